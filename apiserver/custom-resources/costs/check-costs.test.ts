import { describe, expect, test } from 'vitest'
import type { JSONSchemaProps, ValidationRule } from '../../../api/generated/types.ts'
import { checkCosts } from './check-costs.ts'

type Schema = JSONSchemaProps

const rules = (...texts: string[]) => ({ 'x-kubernetes-validations': texts.map((rule): ValidationRule => ({ rule })) })
const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: 'object', properties, ...more })
const text = (maxLength?: number): Schema => ({ type: 'string', ...(maxLength !== undefined && { maxLength }) })
const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more })
const complaints = (spec: Schema) => checkCosts(object({ spec }), 'schema').map(({ field, message }) => `${field}: ${message}`)
const spec = 'schema.properties[spec]'
const advice =
  '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'

describe('rules that may cost too much are refused', () => {
  test('in a loop of loops over a list of any length', () => {
    const names = list(text())
    expect(complaints(object({ names }, rules('self.names.all(a, self.names.exists_one(b, a == b))')))).toEqual([
      `${spec}.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${advice}`,
      `${spec}.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule & messageExpression cost total exceeding cost limit for entire OpenAPIv3 schema`,
      `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${advice}`,
    ])
    expect(
      complaints(
        object({ names: list(text(64), { maxItems: 16 }) }, rules('self.names.all(a, self.names.exists_one(b, a == b))')),
      ),
    ).toEqual([])
  })

  test('by how often an object can hold what they are about', () => {
    const item = (more: Schema) => object({ name: text() }, { ...rules("self.name.matches('^[a-z]+$')"), ...more })
    expect(complaints(object({ items: list(item({})) }))[0]).toContain(
      'items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds',
    )
    expect(complaints(object({ items: list(item({}), { maxItems: 18 }) }))).toEqual([
      `${spec}.properties[items].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 1.132466x ${advice}`,
    ])
    expect(complaints(object({ items: list(item({}), { maxItems: 10 }) }))).toEqual([])
  })

  test('together, when each of them is cheap enough', () => {
    const each = Array.from({ length: 40 }, () => 'self.names.all(n, n == n)')
    const found = complaints(object({ names: list(text()) }, rules(...each)))
    expect(found.filter((complaint) => complaint.includes('contributed to'))).toHaveLength(4)
    expect(found.at(-1)).toMatch(
      /^schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds/,
    )
  })

  test('in the expression that makes the message', () => {
    const rule = { rule: 'true', messageExpression: 'self.names.map(a, self.names.map(b, b)).size() > 0 ? "x" : "y"' }
    expect(complaints(object({ names: list(text()) }, { 'x-kubernetes-validations': [rule] }))[0]).toMatch(
      /\.messageExpression: Forbidden: estimated messageExpression cost exceeds budget by factor of more than 100x/,
    )
  })
})

/** In the manner of definitions that clusters have. */
describe('what is known to be taken is taken', () => {
  const match = object(
    { type: { type: 'string', enum: ['Exact', 'PathPrefix', 'RegularExpression'], default: 'PathPrefix' }, value: text(1024) },
    rules(
      "(self.type in ['Exact','PathPrefix']) ? self.value.startsWith('/') : true",
      "(self.type in ['Exact','PathPrefix']) ? !self.value.contains('//') : true",
      "self.type in ['Exact','PathPrefix'] || self.type == 'RegularExpression'",
      '(self.type in [\'Exact\',\'PathPrefix\']) ? self.value.matches(r"""^(?:[-A-Za-z0-9/._~!$&\'()*+,;=:@]|[%][0-9a-fA-F]{2})+$""") : true',
    ),
  )
  const reference = object({ group: text(253), kind: text(63), name: text(253), namespace: text(63), port: { type: 'integer' } })
  const parentRules = [
    "self.all(p1, self.all(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__ )) ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '')): true))",
    'self.all(p1, self.exists_one(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName))',
  ]
  const parent = object({ ...reference.properties, sectionName: text(253) })
  const filter = object(
    {
      type: { type: 'string', enum: ['RequestHeaderModifier', 'URLRewrite', 'RequestRedirect'] },
      urlRewrite: object({}),
      requestRedirect: object({}),
    },
    rules("!(has(self.urlRewrite) && self.type != 'URLRewrite')", "!(!has(self.urlRewrite) && self.type == 'URLRewrite')"),
  )
  const filterRules = [
    "!(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))",
    "self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1",
  ]
  const filters = list(filter, { maxItems: 16, ...rules(...filterRules) })
  const route = object({
    hostnames: list(text(253), { maxItems: 16 }),
    parentRefs: list(parent, { maxItems: 32, ...rules(...parentRules) }),
    rules: list(
      object({
        matches: list(object({ path: match }), { maxItems: 64 }),
        filters,
        backendRefs: list(
          object(
            { ...reference.properties, filters },
            rules("(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true"),
          ),
          { maxItems: 16 },
        ),
      }),
      {
        maxItems: 16,
        ...rules('self.size() > 0 ? self[0].matches.size() + (self.size() > 1 ? self[1].matches.size() : 0) <= 128 : true'),
      },
    ),
  })

  const cases: [string, Schema][] = [
    ['a route of a gateway', route],
    [
      'listeners that differ',
      list(object({ name: text(253), hostname: text(253), port: { type: 'integer' }, protocol: text(255) }), {
        maxItems: 64,
        ...rules(
          "self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)",
          'self.all(l1, self.exists_one(l2, l1.name == l2.name))',
          'self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))',
        ),
      }),
    ],
    [
      'a certificate whose secret does not change',
      object(
        { secretName: text(), privateKey: object({ size: { type: 'integer' } }), dnsNames: list(text()) },
        rules(
          'self.secretName == oldSelf.secretName',
          'has(self.dnsNames) ? self.dnsNames.size() > 0 : true',
          'self.privateKey.size >= 2048',
        ),
      ),
    ],
    [
      'texts of any length',
      object(
        { name: text(), label: text() },
        rules('self.name != self.label', "self.name.startsWith('a')", "self.name in ['a', 'b']"),
      ),
    ],
    [
      'a map of any size',
      object({ labels: { type: 'object', additionalProperties: text() } }, rules('self.labels.all(k, k.size() < 64)')),
    ],
    [
      'a number or a text',
      object(
        { port: { 'x-kubernetes-int-or-string': true } },
        rules('type(self.port) == int ? self.port > 0 : self.port.size() > 0'),
      ),
    ],
    [
      'optionals',
      object(
        { replicas: { type: 'integer' }, limits: object({ most: { type: 'integer' } }), name: text() },
        rules(
          'self.?replicas.orValue(1) >= 1',
          'self.?replicas.orValue(1) < self.?limits.?most.orValue(2)',
          'self.?limits.optMap(l, l.most > 0).orValue(true)',
          'oldSelf.?replicas.hasValue() || self.replicas == 1',
        ),
      ),
    ],
    [
      'sets of what is bounded',
      object({ kinds: list(text(8), { maxItems: 9 }) }, rules("sets.contains(['a', 'b'], self.kinds)")),
    ],
    [
      'an address',
      object(
        { ip: text(39), range: text(43) },
        rules('isIP(self.ip)', 'cidr(self.range).containsIP(ip(self.ip))', "quantity('1Gi').isGreaterThan(quantity('1Mi'))"),
      ),
    ],
  ]
  test.each(cases)('%s', (_, schema) => {
    expect(complaints(schema)).toEqual([])
  })
})
