/** etcd's messages that the store speaks, encoded and decoded by hand: field numbers are those of etcd's rpc.proto and kv.proto. */
import { ProtoReader, ProtoWriter } from './protobuf.ts'

export interface KeyValue {
  key: string
  /** A view of the message it came in. */
  value: Buffer
  createRevision: number
  modRevision: number
  version: number
}

export interface RangeRequest {
  key: string
  /** Absent: the one key. See `prefixEnd`. */
  rangeEnd?: string
  limit?: number
  /** 0: the newest. */
  revision?: number
  serializable?: boolean
  keysOnly?: boolean
  countOnly?: boolean
}

export interface RangeResponse {
  header: ResponseHeader
  kvs: KeyValue[]
  more: boolean
  /** Keys in the whole range, whatever the limit. */
  count: number
}

export interface ResponseHeader {
  /** As it came: 64 bits do not fit a number. Only compared. */
  clusterId: string
  revision: number
}

export type TxnOperation =
  | { type: 'range'; key: string }
  | { type: 'put'; key: string; value: Buffer | string; lease?: number }
  /** `previous` asks for what was deleted. */
  | { type: 'delete'; key: string; previous: boolean }

/** All comparisons that the store needs are equality of one of a key's numbers. */
export interface Compare {
  key: string
  target: 'version' | 'modRevision'
  equals: number
}

export interface TxnRequest {
  compare: Compare
  success: TxnOperation
  failure: TxnOperation
}

export interface TxnResponse {
  header: ResponseHeader
  succeeded: boolean
  /** What the operation of the branch taken found: a range its keys, a delete the previous version if asked for. */
  kvs: KeyValue[]
}

export interface WatchCreate {
  key: string
  rangeEnd: string
  startRevision: number
}

export interface WatchEvent {
  type: 'put' | 'delete'
  kv: KeyValue
}

export interface WatchResponse {
  header: ResponseHeader
  created: boolean
  canceled: boolean
  cancelReason: string
  /** Above 0 when the start revision was compacted: the watch then ends with no other word. */
  compactRevision: number
  /** More parts of the same revisions follow. */
  fragment: boolean
  events: WatchEvent[]
}

/** The end of the range of all keys that start with `prefix`. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1)
  return prefix.slice(0, -1) + String.fromCharCode(last + 1)
}

/** As start and end of a range: every key there is. */
export const ALL_KEYS = '\0'

const writer = new ProtoWriter()
/** gRPC's frame of a message: one byte of compression flag, four of length. */
const FRAME = 5

function encoded(write: () => void): Buffer {
  write()
  const frame = writer.finish(FRAME)
  frame[0] = 0
  frame.writeUInt32BE(frame.length - FRAME, 1)
  return frame
}

function writeRange(request: RangeRequest): void {
  writer.bytes(1, request.key)
  writer.bytes(2, request.rangeEnd ?? '')
  writer.integer(3, request.limit ?? 0)
  writer.integer(4, request.revision ?? 0)
  writer.flag(7, request.serializable)
  writer.flag(8, request.keysOnly)
  writer.flag(9, request.countOnly)
}

function writeOperation(operation: TxnOperation): void {
  if (operation.type === 'range') writer.message(1, () => writer.bytes(1, operation.key))
  else if (operation.type === 'delete') {
    writer.message(3, () => {
      writer.bytes(1, operation.key)
      writer.flag(3, operation.previous)
    })
  } else {
    writer.message(2, () => {
      writer.bytes(1, operation.key)
      writer.bytes(2, operation.value)
      writer.integer(3, operation.lease ?? 0)
    })
  }
}

const COMPARE_TARGETS = { version: { target: 0, field: 4 }, modRevision: { target: 2, field: 6 } } as const

function writeCompare({ key, target, equals }: Compare): void {
  // The result EQUAL and the target VERSION are 0: left out.
  writer.integer(2, COMPARE_TARGETS[target].target)
  writer.bytes(3, key)
  writer.integer(COMPARE_TARGETS[target].field, equals)
}

export const encodeRange = (request: RangeRequest): Buffer => encoded(() => writeRange(request))

export const encodeTxn = ({ compare, success, failure }: TxnRequest): Buffer =>
  encoded(() => {
    writer.message(1, () => writeCompare(compare))
    writer.message(2, () => writeOperation(success))
    writer.message(3, () => writeOperation(failure))
  })

export const encodeCompaction = (revision: number): Buffer => encoded(() => writer.integer(1, revision))

export const encodeLeaseGrant = (ttlSeconds: number, id: number): Buffer =>
  encoded(() => {
    writer.integer(1, ttlSeconds)
    writer.integer(2, id)
  })

export const encodeWatchCreate = ({ key, rangeEnd, startRevision }: WatchCreate): Buffer =>
  encoded(() =>
    writer.message(1, () => {
      writer.bytes(1, key)
      writer.bytes(2, rangeEnd)
      writer.integer(3, startRevision)
      // Splits what is larger than the server's request limit; without it one large revision ends the stream.
      writer.flag(8, true)
    }),
  )

function readHeader(reader: ProtoReader): ResponseHeader {
  const header = { clusterId: '', revision: 0 }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) header.clusterId = reader.integer().toString(16)
    else if (field === 3) header.revision = reader.integer()
    else reader.skip()
  }
  return header
}

function readKeyValue(reader: ProtoReader): KeyValue {
  const kv: KeyValue = { key: '', value: NOTHING, createRevision: 0, modRevision: 0, version: 0 }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) kv.key = reader.string()
    else if (field === 2) kv.createRevision = reader.integer()
    else if (field === 3) kv.modRevision = reader.integer()
    else if (field === 4) kv.version = reader.integer()
    else if (field === 5) kv.value = reader.bytes()
    else reader.skip()
  }
  return kv
}

const NOTHING = Buffer.alloc(0)
const NO_HEADER: ResponseHeader = { clusterId: '', revision: 0 }

function readRange(reader: ProtoReader): RangeResponse {
  const response: RangeResponse = { header: NO_HEADER, kvs: [], more: false, count: 0 }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.header = readHeader(reader.message())
    else if (field === 2) response.kvs.push(readKeyValue(reader.message()))
    else if (field === 3) response.more = reader.integer() === 1
    else if (field === 4) response.count = reader.integer()
    else reader.skip()
  }
  return response
}

export const decodeRange = (message: Buffer): RangeResponse => readRange(new ProtoReader(message))

function readOperationKvs(reader: ProtoReader, kvs: KeyValue[]): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) kvs.push(...readRange(reader.message()).kvs)
    else if (field === 3) readDeletedKvs(reader.message(), kvs)
    else reader.skip()
  }
}

function readDeletedKvs(reader: ProtoReader, kvs: KeyValue[]): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 3) kvs.push(readKeyValue(reader.message()))
    else reader.skip()
  }
}

export function decodeTxn(message: Buffer): TxnResponse {
  const reader = new ProtoReader(message)
  const response: TxnResponse = { header: NO_HEADER, succeeded: false, kvs: [] }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.header = readHeader(reader.message())
    else if (field === 2) response.succeeded = reader.integer() === 1
    else if (field === 3) readOperationKvs(reader.message(), response.kvs)
    else reader.skip()
  }
  return response
}

function readEvent(reader: ProtoReader): WatchEvent {
  const event: WatchEvent = { type: 'put', kv: NO_KV }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) event.type = reader.integer() === 1 ? 'delete' : 'put'
    else if (field === 2) event.kv = readKeyValue(reader.message())
    else reader.skip()
  }
  return event
}

const NO_KV: KeyValue = { key: '', value: NOTHING, createRevision: 0, modRevision: 0, version: 0 }

export function decodeWatch(message: Buffer): WatchResponse {
  const reader = new ProtoReader(message)
  const response: WatchResponse = {
    header: NO_HEADER,
    created: false,
    canceled: false,
    cancelReason: '',
    compactRevision: 0,
    fragment: false,
    events: [],
  }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.header = readHeader(reader.message())
    else if (field === 3) response.created = reader.integer() === 1
    else if (field === 4) response.canceled = reader.integer() === 1
    else if (field === 5) response.compactRevision = reader.integer()
    else if (field === 6) response.cancelReason = reader.string()
    else if (field === 7) response.fragment = reader.integer() === 1
    else if (field === 11) response.events.push(readEvent(reader.message()))
    else reader.skip()
  }
  return response
}
