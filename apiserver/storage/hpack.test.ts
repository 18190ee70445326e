import { expect, it } from 'vitest'
import { encodeHeaders, HeaderDecoder } from './hpack.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

it('reads the examples of RFC 7541, C.4: compressed strings, and a table that grows from block to block', () => {
  const decoder = new HeaderDecoder()
  const request = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ]
  expect(decoder.decode(hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'))).toEqual(request)
  expect(decoder.decode(hex('8286 84be 5886 a8eb 1064 9cbf'))).toEqual([...request, ['cache-control', 'no-cache']])
  expect(decoder.decode(hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'))).toEqual([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ])
})

it('forgets what no longer fits a table that was made smaller', () => {
  const decoder = new HeaderDecoder()
  decoder.decode(hex('4001 6101 31'))
  expect(decoder.decode(hex('be'))).toEqual([['a', '1']])
  expect(decoder.decode(hex('20'))).toEqual([])
  expect(() => decoder.decode(hex('be'))).toThrowError('there is no entry 62')
})

it('reads what it writes, of any length', () => {
  const headers = ['', 'x', 'x'.repeat(126), 'x'.repeat(127), 'x'.repeat(5_000)].map((value) => ['name', value] as const)
  expect(new HeaderDecoder().decode(encodeHeaders(headers))).toEqual(headers)
})

it.each([
  ['an index of nothing', '80', 'there is no entry 0'],
  ['a string that is cut off', '0001 61 05 31', 'cut off'],
  ['a number without an end', 'ff ffff ffff ffff', 'too large'],
  ['a table beyond what was agreed', '3fe2 1f', 'larger than allowed'],
  ['nothing after a name', '0001 61', 'cut off'],
])('refuses %s', (_, block, why) => {
  expect(() => new HeaderDecoder().decode(hex(block))).toThrowError(why)
})
