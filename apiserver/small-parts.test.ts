import { describe, expect, test } from 'vitest'
import { createCauseLog } from './cause-log.ts'
import { generateName } from './generate-name.ts'
import { createInFlightLimit, isLongRunning } from './in-flight.ts'
import { parseRequestInfo } from './request-info.ts'
import { createListBodies } from './list-bodies.ts'
import { encodeContinue, readListOptions } from './list-options.ts'
import { parseJson } from './read-body.ts'
import { warningHeaders } from './respond.ts'
import type { Entry } from './storage/store.ts'

test('generated names keep their base and end in five letters of the safe alphabet', () => {
  expect(generateName('web-')).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  expect(generateName('x'.repeat(80))).toHaveLength(63)
})

describe('the limit of requests at work', () => {
  test('refuses what is beyond it and gives places back', () => {
    const limit = createInFlightLimit(1, 1)
    const leave = limit.enter(false)
    limit.enter(true)
    expect(() => limit.enter(false)).toThrow('Too many requests')
    leave()
    expect(() => limit.enter(false)).not.toThrow()
  })
  test('of zero is none', () => {
    const limit = createInFlightLimit(0, 0)
    for (let i = 0; i < 1000; i++) limit.enter(true)
    expect(limit.running().mutating).toBe(1000)
  })
  test.each([
    ['watch', '', true],
    ['get', 'log', true],
    ['create', 'exec', true],
    ['get', '', false],
  ])('%s %s is long-running: %s', (verb, subresource, expected) => {
    expect(isLongRunning({ ...parseRequestInfo('GET', '/api/v1/pods'), verb, subresource })).toBe(expected)
  })
})

describe('the options of a list', () => {
  const read = (query: string, watch = false) => readListOptions(new URLSearchParams(query), watch)
  test('a continue token comes back as it went', () => {
    const token = { revision: 12, start: 'default/a\0' }
    expect(read(`continue=${encodeContinue(token)}&limit=5`)).toMatchObject({ continue: token, limit: 5 })
  })
  test.each([
    ['resourceVersion=x', 'strconv.ParseUint: parsing "x": invalid syntax'],
    ['resourceVersion=-1', 'invalid syntax'],
    ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    ['resourceVersion=0&resourceVersionMatch=Exact', 'is forbidden for resourceVersion "0"'],
    ['resourceVersion=1&resourceVersionMatch=Some', 'Unsupported value: "Some"'],
    ['sendInitialEvents=true', 'sendInitialEvents is forbidden for list'],
    ['continue=garbage', 'continue key is not valid'],
    [`continue=${encodeContinue({ revision: 3, start: '../secrets/' })}`, 'continue key is not valid'],
    [`resourceVersion=3&continue=${encodeContinue({ revision: 3, start: 'a' })}`, 'not allowed when using continue'],
    ['limit=ten', 'invalid syntax'],
  ])('%s is refused', (query, message) => {
    expect(() => read(query)).toThrow(message)
  })
})

describe('a JSON body', () => {
  test.each([
    ['{', 'JSON'],
    ['[1,]', 'JSON'],
    [`${'['.repeat(600)}${']'.repeat(600)}`, 'exceeded max depth'],
    [`{"a":"${'['.repeat(600)}`, 'JSON'],
  ])('%.20s is refused', (text, message) => {
    expect(() => parseJson(Buffer.from(text), 'cannot read it')).toThrow(message)
  })
  test('brackets within strings are no nesting', () => {
    expect(parseJson(Buffer.from(JSON.stringify({ a: '['.repeat(1000) })), '')).toEqual({ a: '['.repeat(1000) })
  })
})

test('warnings become header values that any text survives', () => {
  expect(warningHeaders(['a "b"\nc', 'é', 'é'])).toEqual(['299 - "a \\"b\\" c"', '299 - "?"'])
})

test('warnings are cut short, and cut off, before a client takes the headers for broken', () => {
  const many = warningHeaders(Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(1000)}`))
  expect(many).toHaveLength(16)
  expect(many[0]).toBe(`299 - "0 ${'x'.repeat(254)}"`)
})

test('the ring of writes keeps the newest, in order', () => {
  const log = createCauseLog(3)
  for (let revision = 1; revision <= 5; revision++)
    log.record({ actor: 'a', verb: 'create', group: '', resource: 'pods', name: 'p', uid: '', revision })
  expect(log.since(0).map(({ revision }) => revision)).toEqual([3, 4, 5])
  expect(log.since(4).map(({ revision }) => revision)).toEqual([5])
})

test('the bytes of a list are joined once while its entries stay the same', () => {
  const bodies = createListBodies()
  const entries = Array.from({ length: 3 }, () => ({ bytes: Buffer.from(`"${'x'.repeat(40_000)}"`) })) as unknown as Entry[]
  const first = bodies.join('pods', entries)
  expect(bodies.join('pods', [...entries])).toBe(first)
  expect(bodies.join('pods', entries.slice(1))).not.toBe(first)
  expect(JSON.parse(`{"items":[${first.toString()}`)).toMatchObject({ items: expect.any(Array) as unknown })
})
