import { describe, expect, test } from 'vitest'
import { decodeProtobufBody } from './decode-body.ts'

/** Just enough of an encoder to write what a Go client sends. */
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const field = (number: number, bytes: Buffer | number[]) =>
  Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length), ...bytes])
const text = (number: number, value: string) => field(number, Buffer.from(value))
const integer = (number: number, value: number) => Buffer.from([...varint(number << 3), ...varint(value)])
const message = (number: number, ...parts: Buffer[]) => field(number, Buffer.concat(parts))
const body = (apiVersion: string, kind: string, ...parts: Buffer[]) =>
  Buffer.concat([Buffer.from('k8s\0'), message(1, text(1, apiVersion), text(2, kind)), message(2, ...parts)])

const entry = (key: string, value: string) => [text(1, key), text(2, value)]

describe('a protobuf body', () => {
  test('becomes the object that its JSON would be, without the zero values that Go always writes', () => {
    const metadata = message(1, text(1, 'c1'), text(2, ''), text(3, 'default'), field(8, []), message(11, ...entry('a', 'b')))
    const value = decodeProtobufBody(body('v1', 'ConfigMap', metadata, message(2, ...entry('k', 'v'))))
    expect(value).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c1', namespace: 'default', labels: { a: 'b' } },
      data: { k: 'v' },
    })
  })

  test('keeps a zero that a pointer holds, and drops one that is only a default', () => {
    const spec = message(2, integer(1, 0), integer(5, 0))
    expect(decodeProtobufBody(body('apps/v1', 'Deployment', spec))).toMatchObject({ spec: { replicas: 0 } })
    expect(decodeProtobufBody(body('apps/v1', 'Deployment', spec))!.spec).toEqual({ replicas: 0 })
  })

  test('inlines what JSON inlines, and keeps an empty choice', () => {
    const emptyDir = message(2, message(2, text(1, '')))
    const spec = message(2, message(1, text(1, 'data'), emptyDir))
    expect(decodeProtobufBody(body('v1', 'Pod', spec))!.spec).toEqual({ volumes: [{ name: 'data', emptyDir: {} }] })
  })

  test('of a kind that is not known is nobody’s', () => {
    expect(decodeProtobufBody(body('example.com/v1', 'Foo'))).toBeUndefined()
  })

  test.each([
    ['no envelope', Buffer.from('{}'), 'provided data does not appear to be a protobuf message'],
    ['a cut one', body('v1', 'Pod', message(1, text(1, 'name'))).subarray(0, -2), 'unexpected EOF'],
    ['a length beyond the end', Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x12, 0xff, 0xff, 0x7f])]), 'unexpected EOF'],
    ['an endless number', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(12, 0xff)]), 'integer overflow'],
  ])('%s is refused', (_what, bytes, complaint) => {
    expect(() => decodeProtobufBody(bytes)).toThrow(complaint)
  })
})
