/**
 * Entries and how they are made: one stringify for a write, one parse for what another wrote, never a second of either.
 *
 * A value is stored as JSON without metadata.resourceVersion, since etcd only decides it with the write. The number is spliced
 * into the bytes right behind `"metadata":{`, which the encoder puts near the front.
 */
import type { KubeObject } from '../../api/object.ts'
import type { Entry, StoredResource } from './store.ts'

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({})
const RESOURCE_VERSION = '"resourceVersion":"'
const CLOSING_BRACE = 0x7d

type Described = Pick<Entry, 'key' | 'namespace' | 'name' | 'uid' | 'labels' | 'fields'>

/** A version that has no revision yet: about to be written, or just read. */
export class Draft implements Described {
  readonly key: string
  /** JSON without resourceVersion. */
  readonly value: Buffer
  /** Where in `value` the resourceVersion goes. */
  private readonly spliceAt: number
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, string>>
  private made: StoredEntry | undefined

  constructor(resource: StoredResource, key: string, object: KubeObject, value: Buffer, spliceAt: number) {
    const { metadata } = object
    this.key = key
    this.value = value
    this.spliceAt = spliceAt
    this.uid = metadata.uid ?? ''
    this.name = metadata.name ?? ''
    this.namespace = metadata.namespace ?? ''
    this.labels = metadata.labels ? { ...metadata.labels } : NO_LABELS
    this.fields = resource.selectableFields(object)
  }

  /** The entry of the revision that etcd gave it. The writer and the watch ask in either order and get the same one. */
  at(revision: number): StoredEntry {
    if (this.made?.revision === revision) return this.made
    this.made = new StoredEntry(this, revision, spliced(this.value, this.spliceAt, this.spliceAt, revision), this.spliceAt)
    return this.made
  }
}

export class StoredEntry implements Entry {
  readonly key: string
  readonly revision: number
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, string>>
  readonly bytes: Buffer
  private readonly spliceAt: number
  /** Weak, so that one look at every object does not keep all of them parsed for ever. */
  private parsed: WeakRef<KubeObject> | undefined

  constructor(described: Described, revision: number, bytes: Buffer, spliceAt: number) {
    this.key = described.key
    this.revision = revision
    this.namespace = described.namespace
    this.name = described.name
    this.uid = described.uid
    this.labels = described.labels
    this.fields = described.fields
    this.bytes = bytes
    this.spliceAt = spliceAt
  }

  object(): KubeObject {
    const known = this.parsed?.deref()
    if (known) return known
    const object = JSON.parse(this.bytes.toString()) as KubeObject
    this.parsed = new WeakRef(object)
    return object
  }

  /** The same version under another revision: what a DELETED event shows. */
  at(revision: number): StoredEntry {
    return new StoredEntry(this, revision, spliced(this.bytes, this.spliceAt, this.valueResumesAt(), revision), this.spliceAt)
  }

  /** Whether `value`, JSON without resourceVersion, says the same as these bytes. */
  holds(value: Buffer): boolean {
    const resumesAt = this.valueResumesAt()
    return (
      value.length === this.bytes.length - (resumesAt - this.spliceAt) &&
      value.compare(this.bytes, 0, this.spliceAt, 0, this.spliceAt) === 0 &&
      value.compare(this.bytes, resumesAt, this.bytes.length, this.spliceAt) === 0
    )
  }

  /** JSON without resourceVersion, as it was written. */
  value(): Buffer {
    return Buffer.concat([this.bytes.subarray(0, this.spliceAt), this.bytes.subarray(this.valueResumesAt())])
  }

  private valueResumesAt(): number {
    const quoted = this.spliceAt + RESOURCE_VERSION.length + digits(this.revision) + 1
    return this.bytes[quoted] === CLOSING_BRACE ? quoted : quoted + 1
  }
}

const digits = (revision: number): number => String(revision).length

/** `source` with everything from `from` to `to` replaced by the resourceVersion. */
function spliced(source: Buffer, from: number, to: number, revision: number): Buffer {
  const insert = `${RESOURCE_VERSION}${revision}"${source[to] === CLOSING_BRACE ? '' : ','}`
  // Not from the pool: what lives as long as the object would keep short-lived neighbours alive, thrice its own size.
  const out = Buffer.allocUnsafeSlow(from + insert.length + source.length - to)
  source.copy(out, 0, 0, from)
  out.write(insert, from, 'latin1')
  source.copy(out, from + insert.length, to)
  return out
}

/** An object as it is about to be written. Its resourceVersion is ignored; it may be changed afterwards. */
export function draftOf(resource: StoredResource, key: string, object: KubeObject): Draft {
  const { apiVersion, kind, metadata, ...rest } = object
  const head = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{`
  const inner = JSON.stringify({ ...metadata, resourceVersion: undefined })
  const tail = JSON.stringify(rest)
  const json = `${head}${inner.slice(1)}${tail === '{}' ? '}' : `,${tail.slice(1)}`}`
  return new Draft(resource, key, object, Buffer.from(json), Buffer.byteLength(head))
}

const METADATA = '"metadata":{'
/** What may stand before metadata for the first `"metadata":{` to be the object's own: nothing nested. */
const PLAIN_HEAD = /^\{(?:"(?:apiVersion|kind)":"[^"\\]*",){0,2}$/

/** A value as it was found. `value` may be a view of something larger: the entry made from it has its own bytes. */
export function draftFrom(resource: StoredResource, key: string, value: Buffer): Draft {
  const object = JSON.parse(value.toString()) as KubeObject
  const at = value.indexOf(METADATA)
  const direct =
    at >= 0 && at < 512 && object.metadata.resourceVersion === undefined && PLAIN_HEAD.test(value.toString('latin1', 0, at))
  // Written by something that orders members otherwise: brought into our form.
  if (!direct) return draftOf(resource, key, object)
  return new Draft(resource, key, object, value, at + METADATA.length)
}
