import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameReader } from './grpc-frames.ts'

const frame = (message: Buffer) => {
  const header = Buffer.alloc(5)
  header.writeUInt32BE(message.length, 1)
  return Buffer.concat([header, message])
}

it('answers the same messages however the stream is cut', () => {
  const messages = fc.array(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (messages, sizes) => {
      const seen: Buffer[] = []
      const reader = new FrameReader((message) => seen.push(message))
      const stream = Buffer.concat(messages.map(frame))
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length]!
        reader.push(stream.subarray(at, at + size))
        at += size
      }
      expect(seen).toEqual(messages)
    }),
  )
})

it('refuses what is compressed or absurdly long', () => {
  const reader = () => new FrameReader(() => {})
  expect(() => reader().push(Buffer.from([1, 0, 0, 0, 0]))).toThrowError(/compressed/)
  expect(() => reader().push(Buffer.from([0, 0xff, 0, 0, 0]))).toThrowError(/too large/)
})
