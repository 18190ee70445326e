import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLineDecoder } from './watch.ts'

test('documents come out the same however the bytes are cut', () => {
  const documents = fc.array(fc.record({ type: fc.string(), text: fc.string({ unit: 'grapheme' }) }))
  fc.assert(
    fc.property(documents, fc.array(fc.nat(40)), (sent, cuts) => {
      const bytes = Buffer.from(sent.map((each) => `${JSON.stringify(each)}\n`).join(''))
      const decoder = createLineDecoder<unknown>()
      const got: unknown[] = []
      let at = 0
      for (const cut of cuts) got.push(...decoder.push(bytes.subarray(at, (at += cut))))
      got.push(...decoder.push(bytes.subarray(at)))
      expect(got).toEqual(sent)
      expect(decoder.pendingBytes()).toBe(0)
    }),
  )
})

test('a line that was cut off is kept, not given', () => {
  const decoder = createLineDecoder()
  expect(decoder.push(Buffer.from('{"a":1}\n{"b"'))).toEqual([{ a: 1 }])
  expect(decoder.pendingBytes()).toBe(4)
})
