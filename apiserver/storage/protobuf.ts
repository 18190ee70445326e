/** The wire format of protobuf, as far as etcd's messages need it: one writer and one reader, neither allocating per field. */

/**
 * Writes a message from its end to its start, so that the length of a nested message is known when it is due.
 * Fields therefore appear in the reverse order of the calls; protobuf readers do not mind.
 */
export class ProtoWriter {
  private buffer: Buffer = Buffer.allocUnsafeSlow(16 * 1024)
  private start = this.buffer.length

  /** Proto3: zero, false and empty are left out. */
  integer(field: number, value: number): void {
    if (value === 0) return
    this.varint(value)
    this.varint(field << 3)
  }

  flag(field: number, value: boolean | undefined): void {
    if (value) this.integer(field, 1)
  }

  bytes(field: number, value: Buffer | string): void {
    const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length
    if (length === 0) return
    this.reserve(length)
    this.start -= length
    if (typeof value === 'string') this.buffer.write(value, this.start, length, 'utf8')
    else value.copy(this.buffer, this.start)
    this.varint(length)
    this.varint((field << 3) | 2)
  }

  /** A nested message: always written, even when empty, since which member of a oneof is there says something. */
  message(field: number, write: () => void): void {
    const end = this.buffer.length - this.start
    write()
    this.varint(this.buffer.length - this.start - end)
    this.varint((field << 3) | 2)
  }

  /** The message so far as a buffer of its own, with `headroom` bytes before it; the writer is empty again. */
  finish(headroom: number): Buffer {
    const length = this.buffer.length - this.start
    const out = Buffer.allocUnsafe(headroom + length)
    this.buffer.copy(out, headroom, this.start)
    this.start = this.buffer.length
    return out
  }

  private varint(value: number): void {
    this.reserve(10)
    let bytes = 1
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++
    this.start -= bytes
    let at = this.start
    while (value >= 0x80) {
      this.buffer[at++] = (value % 128) | 0x80
      value = Math.floor(value / 128)
    }
    this.buffer[at] = value
  }

  private reserve(length: number): void {
    if (this.start >= length) return
    const used = this.buffer.length - this.start
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, used + length + 1024))
    this.buffer.copy(grown, grown.length - used, this.start)
    this.start = grown.length - used
    this.buffer = grown
  }
}

/** Reads one message's fields. Byte fields are views of the input: copy what is kept. */
export class ProtoReader {
  private readonly buffer: Buffer
  private position: number
  private readonly end: number
  /** Wire type of the field that `next` answered. */
  private wireType = 0

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  /** Number of the next field, 0 at the end. Its value must then be read or skipped. */
  next(): number {
    if (this.position >= this.end) return 0
    const tag = this.integer()
    this.wireType = tag & 7
    return tag >>> 3
  }

  /** Exact up to 2^53. Negative int64 do not occur in what is read here, but for watch id -1, which comes out as 2^64. */
  integer(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.buffer[this.position++]
      if (byte === undefined || this.position > this.end) throw new Error('Cannot read etcd message: it is cut off')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
  }

  bytes(): Buffer {
    const length = this.integer()
    const start = this.position
    this.advance(length)
    return this.buffer.subarray(start, start + length)
  }

  string(): string {
    const length = this.integer()
    const start = this.position
    this.advance(length)
    return this.buffer.toString('utf8', start, start + length)
  }

  message(): ProtoReader {
    const length = this.integer()
    const start = this.position
    this.advance(length)
    return new ProtoReader(this.buffer, start, start + length)
  }

  skip(): void {
    if (this.wireType === 0) this.integer()
    else if (this.wireType === 1) this.advance(8)
    else if (this.wireType === 2) this.advance(this.integer())
    else if (this.wireType === 5) this.advance(4)
    else throw new Error(`Cannot read etcd message: wire type ${this.wireType} is unknown`)
  }

  private advance(length: number): void {
    this.position += length
    if (this.position > this.end) throw new Error('Cannot read etcd message: it is cut off')
  }
}
