import path from 'node:path'
import { createRequire } from 'node:module'
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as messages from './etcd-messages.ts'

// The reference: etcd's own definitions, read by protobufjs.
const proto = path.join(path.dirname(createRequire(import.meta.url).resolve('etcd3/package.json')), 'proto/rpc.proto')
const definitions = loadSync(proto, { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true })
const method = (service: string, name: string) => (definitions[`etcdserverpb.${service}`] as ServiceDefinition)[name]!
const read = (service: string, name: string, frame: Buffer) => {
  expect(frame.readUInt32BE(1)).toBe(frame.length - 5)
  return method(service, name).requestDeserialize(frame.subarray(5)) as Record<string, unknown>
}
const answer = (service: string, name: string, value: object) => method(service, name).responseSerialize(value)

// Characters of one to four bytes each.
const key = fc.string({ unit: fc.constantFrom('a', '/', '\0', 'é', '€', '😀'), minLength: 1, maxLength: 80 })
const value = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const revision = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

describe('what is asked of etcd', () => {
  it('is read by etcd’s definitions as it was meant', () => {
    fc.assert(
      fc.property(key, value, revision, fc.boolean(), (key, value, number, yes) => {
        expect(
          read('KV', 'Range', messages.encodeRange({ key, rangeEnd: '\0', limit: number, revision: 7, keysOnly: yes })),
        ).toMatchObject({
          key: Buffer.from(key),
          range_end: Buffer.from('\0'),
          limit: number,
          revision: 7,
          keys_only: yes,
          serializable: false,
        })
        const put = messages.encodeTxn({
          compare: { key, target: 'modRevision', equals: number },
          success: { type: 'put', key, value, lease: 9 },
          failure: { type: 'range', key },
        })
        expect(read('KV', 'Txn', put)).toMatchObject({
          compare: [{ result: 'Equal', target: 'Mod', key: Buffer.from(key), mod_revision: number }],
          success: [{ request_put: { key: Buffer.from(key), value, lease: 9 } }],
          failure: [{ request_range: { key: Buffer.from(key) } }],
        })
        const remove = messages.encodeTxn({
          compare: { key, target: 'version', equals: 0 },
          success: { type: 'delete', key, previous: yes },
          failure: { type: 'range', key },
        })
        expect(read('KV', 'Txn', remove)).toMatchObject({
          compare: [{ result: 'Equal', target: 'Version' }],
          success: [{ request_delete_range: { key: Buffer.from(key), prev_kv: yes } }],
        })
        expect(read('Watch', 'Watch', messages.encodeWatchCreate({ key, rangeEnd: 'z', startRevision: number }))).toMatchObject({
          create_request: { key: Buffer.from(key), range_end: Buffer.from('z'), start_revision: number, fragment: true },
        })
        expect(read('KV', 'Compact', messages.encodeCompaction(number))).toMatchObject({ revision: number })
        expect(read('Lease', 'LeaseGrant', messages.encodeLeaseGrant(60, number))).toMatchObject({ TTL: 60, ID: number })
      }),
      { numRuns: 50 },
    )
  })

  it('may be larger than the writer’s first buffer', () => {
    const value = Buffer.alloc(1_000_000, 'x')
    const frame = messages.encodeTxn({
      compare: { key: 'a', target: 'modRevision', equals: 0 },
      success: { type: 'put', key: 'a', value },
      failure: { type: 'range', key: 'a' },
    })
    const { success } = read('KV', 'Txn', frame) as { success: { request_put: { value: Buffer } }[] }
    expect(success[0]!.request_put.value.equals(value)).toBe(true)
  })
})

describe('what etcd answers', () => {
  const kv = (key: string, value: Buffer, number: number) => ({
    key: Buffer.from(key),
    create_revision: 1,
    mod_revision: number,
    version: 2,
    value,
    lease: 5,
  })
  const expected = (key: string, value: Buffer, number: number) => ({
    key,
    value,
    createRevision: 1,
    modRevision: number,
    version: 2,
  })
  const header = { cluster_id: 1, member_id: 2, revision: 3, raft_term: 4 }

  it('is read as it was meant', () => {
    fc.assert(
      fc.property(key, value, revision, fc.boolean(), (key, value, number, yes) => {
        const range = { header, kvs: [kv(key, value, number), kv('b', value, 1)], more: yes, count: number }
        expect(messages.decodeRange(answer('KV', 'Range', range))).toMatchObject({
          header: { revision: 3 },
          kvs: [expected(key, value, number), expected('b', value, 1)],
          more: yes,
          count: number,
        })
        const txn = { header, succeeded: yes, responses: [{ response_range: { header, kvs: [kv(key, value, number)] } }] }
        expect(messages.decodeTxn(answer('KV', 'Txn', txn))).toMatchObject({
          succeeded: yes,
          kvs: [expected(key, value, number)],
        })
        const deleted = {
          header,
          succeeded: true,
          responses: [{ response_delete_range: { deleted: 1, prev_kvs: [kv(key, value, number)] } }],
        }
        expect(messages.decodeTxn(answer('KV', 'Txn', deleted)).kvs).toMatchObject([expected(key, value, number)])
        const watch = {
          header,
          watch_id: -1,
          fragment: yes,
          events: [
            { type: 'Put', kv: kv(key, value, number) },
            { type: 'Delete', kv: { key: Buffer.from('c'), mod_revision: 9 } },
          ],
        }
        expect(messages.decodeWatch(answer('Watch', 'Watch', watch))).toMatchObject({
          created: false,
          canceled: false,
          fragment: yes,
          events: [
            { type: 'put', kv: expected(key, value, number) },
            { type: 'delete', kv: { key: 'c', modRevision: 9 } },
          ],
        })
      }),
      { numRuns: 50 },
    )
  })

  it('says when history was compacted', () => {
    const message = answer('Watch', 'Watch', { header, canceled: true, compact_revision: 12, cancel_reason: 'why' })
    expect(messages.decodeWatch(message)).toMatchObject({ canceled: true, compactRevision: 12, cancelReason: 'why', events: [] })
  })

  it('is refused when it is cut off', () => {
    const message = answer('KV', 'Range', { header, kvs: [kv('a', Buffer.from('value'), 1)] })
    expect(() => messages.decodeRange(message.subarray(0, message.length - 4))).toThrowError(/cut off/)
  })
})
