import { describe, expect, test } from 'vitest'
import * as names from './names.ts'

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

describe('complaints have upstream’s words', () => {
  const cases: [(value: never) => string[], unknown, string[]][] = [
    [names.isDNS1123Label, 'web-1', []],
    [names.isDNS1123Label, 'Web', [label]],
    [names.isDNS1123Label, 'web\n', [label]],
    [names.isDNS1123Label, 'a'.repeat(64), ['must be no more than 63 bytes']],
    [names.isDNS1123Subdomain, 'a.b-c.d', []],
    [names.isDNS1035Label, 'a1', []],
    [names.isQualifiedName, 'example.com/Name_1', []],
    [names.isQualifiedName, '', ['name part must be non-empty', qualified]],
    [names.isQualifiedName, '/x', ['prefix part must be non-empty']],
    [names.isQualifiedName, 'a b', [qualified]],
    [names.isValidLabelValue, '', []],
    [names.isValidPortNumber, 0, ['must be between 1 and 65535, inclusive']],
    [names.isValidPortName, 'http-', ['must not begin or end with a hyphen']],
    [names.isValidIP, '10.0.0.1', []],
    [names.isValidIP, '10.0.0.256', ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    [names.isValidCIDR, '10.0.0.0/33', ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    [names.isValidCIDR, 'fd00::/64', []],
    [names.isConfigMapKey, '..a', ["must not start with '..'"]],
    [names.isPathSegment, '..', ["may not be '..'"]],
    [names.isPathSegment, 'a/b%', ["may not contain '/'", "may not contain '%'"]],
    [names.isRelaxedEnvVarName, '1 weird:name', []],
  ]
  test.each(cases)('%o %s', (rule, value, complaints) => {
    expect(rule(value as never)).toEqual(complaints)
  })
})

test.each([
  ['10.0.0.1', 4],
  ['010.0.0.1', 0],
  ['1.2.3', 0],
  ['::', 6],
  ['::1', 6],
  ['fe80::1%eth0', 0],
  ['2001:db8::1', 6],
  ['1:2:3:4:5:6:7:8', 6],
  ['1:2:3:4:5:6:7', 0],
  ['1:2:3:4:5:6:7:8:9', 0],
  ['1::2::3', 0],
  ['::ffff:10.0.0.1', 6],
  ['1:2:3:4:5:6:1.2.3.4', 6],
  ['::ffff:10.0.0', 0],
  ['12345::', 0],
  [':1', 0],
  ['', 0],
])('%s is of family %d', (address, family) => {
  expect(names.ipFamily(address)).toBe(family)
})

test('a generateName may end in a dash', () => {
  const rule = names.nameRule(names.isDNS1123Label)
  expect(rule('web-', true)).toBeNull()
  expect(rule('web-', false)).toBe(label)
})
