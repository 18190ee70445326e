import { describe, expect, test } from 'vitest'
import type { Json } from './json.ts'
import { parseJsonPath, relaxedExpression } from './jsonpath.ts'

const data: Json = {
  kind: 'List',
  items: [
    {
      kind: 'None',
      metadata: { name: '127.0.0.1', labels: { 'kubernetes.io/hostname': 'a' } },
      status: { capacity: { cpu: '4' }, ready: true },
    },
    {
      kind: 'None',
      metadata: { name: '127.0.0.2' },
      status: { capacity: { cpu: '8' }, addresses: [{ type: 'A', address: 'x' }] },
    },
  ],
  users: [
    { name: 'myself', user: {}, age: 10 },
    { name: 'e2e', user: { username: 'admin', password: 'secret' }, age: 20 },
  ],
}

const render = (template: string, from: Json = data) => parseJsonPath(template).render(from)

test.each([
  ['plain text', 'plain text'],
  ['kind is {.kind}', 'kind is List'],
  ['{.items[*].metadata.name}', '127.0.0.1 127.0.0.2'],
  ['{.items[0].metadata.name}', '127.0.0.1'],
  ['{.items[-1].metadata.name}', '127.0.0.2'],
  ['{.items[0:1].metadata.name}', '127.0.0.1'],
  ['{.items[1:].metadata.name}', '127.0.0.2'],
  ['{.users[0,1].name}', 'myself e2e'],
  ["{.users[*]['name','age']}", 'myself e2e 10 20'],
  ["{.items[*]['metadata.name', 'status.capacity']}", '127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}'],
  ['{.users[?(@.name=="e2e")].user.password}', 'secret'],
  ["{.users[?(@.name!='e2e')].age}", '10'],
  ['{.users[?(@.age>10)].name}', 'e2e'],
  ['{.users[?(@.user.username)].name}', 'e2e'],
  ['{.items[?(@.status.ready==true)].metadata.name}', '127.0.0.1'],
  ['{.items[?(@.status.addresses[0].type=="A")].metadata.name}', '127.0.0.2'],
  ['{..name}', '127.0.0.1 127.0.0.2 myself e2e'],
  ['{range .items[*]}[{.metadata.name}, {.status.capacity}]{"\\n"}{end}', '[127.0.0.1, {"cpu":"4"}]\n[127.0.0.2, {"cpu":"8"}]\n'],
  ['{range .items[*]}{.metadata.name}{range .status.addresses[*]}:{.address}{end};{end}', '127.0.0.1;127.0.0.2:x;'],
  ['{range .users[*]}{$.kind}/{@.name} {end}', 'List/myself List/e2e '],
  [String.raw`{.items[0].metadata.labels.kubernetes\.io/hostname}`, 'a'],
  [String.raw`{.items[0].metadata.labels['kubernetes\.io/hostname']}`, 'a'],
  ['{.missing.field}', ''],
  ['{.kind}{"\\t"}{\'x\'}{1}', 'List\tx1'],
  ['{.items[0].status.ready}', 'true'],
  ['{"{braces}"}', '{braces}'],
  ['{.users[0].user}', '{}'],
])('%s', (template, expected) => {
  expect(render(template)).toBe(expected)
})

describe('what cannot be read or found', () => {
  test.each([
    ['{.items[0', 'unclosed action'],
    ['{.items[0}', 'unterminated array'],
    ['{range .items[*]}x', 'unterminated range'],
    ['{end}', 'not in range, nothing to end'],
    ['{hello}', "unrecognized character in action: U+0068 'h'"],
    ['{"a}', 'unterminated quoted string'],
  ])('%s', (template, message) => {
    expect(() => render(template)).toThrow(message)
  })

  test('an index past the end', () => {
    expect(() => render('{.items[9]}')).toThrow('array index out of bounds: index 9, length 2')
  })

  test('a missing key, when keys must be there', () => {
    expect(() => parseJsonPath('{.nope}', { allowMissingKeys: false }).render(data)).toThrow('nope is not found')
  })
})

test.each([
  ['metadata.name', '{.metadata.name}'],
  ['.metadata.name', '{.metadata.name}'],
  ['{metadata.name}', '{.metadata.name}'],
  ['{.metadata.name}', '{.metadata.name}'],
])('%s is a relaxed expression', (text, expected) => {
  expect(relaxedExpression(text)).toBe(expected)
})

test('the values of the first expression can be had as they are', () => {
  expect(parseJsonPath('{.items[*].status.capacity}').find(data)).toEqual([{ cpu: '4' }, { cpu: '8' }])
})
