/** Reads protobuf's wire format: tags, varints, and lengths that never reach beyond the bytes there are. */

export class WireReader {
  private readonly buffer: Buffer
  private at = 0

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  more(): boolean {
    return this.at < this.buffer.length
  }

  tag(): { number: number; wire: number } {
    const tag = this.varint()
    return { number: Number(tag >> 3n), wire: Number(tag & 7n) }
  }

  /** Signed 64 bits. Beyond 2^53 digits are lost, as in all JSON of ours. */
  integer(): number {
    const byte = this.buffer[this.at]
    if (byte !== undefined && byte < 128) {
      this.at++
      return byte
    }
    return Number(BigInt.asIntN(64, this.varint()))
  }

  double(): number {
    this.need(8)
    this.at += 8
    return this.buffer.readDoubleLE(this.at - 8)
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const length = this.integer()
    if (length < 0) throw new RangeError('negative length')
    this.need(length)
    this.at += length
    return this.buffer.subarray(this.at - length, this.at)
  }

  skip(wire: number): void {
    if (wire === 0) this.varint()
    else if (wire === 2) this.bytes()
    else if (wire === 1 || wire === 5) {
      const size = wire === 1 ? 8 : 4
      this.need(size)
      this.at += size
    } else throw new RangeError(`illegal wireType ${wire}`)
  }

  private varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      this.need(1)
      const byte = this.buffer[this.at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw new RangeError('integer overflow')
  }

  private need(bytes: number): void {
    if (this.at + bytes > this.buffer.length) throw new RangeError('unexpected EOF')
  }
}
