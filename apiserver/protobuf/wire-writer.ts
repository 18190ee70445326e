/**
 * Writes protobuf's wire format from its end to its beginning: when a message's length has to be said, its bytes are there already,
 * and nothing is measured first or moved later.
 */

const SMALLEST = 1024

export class WireWriter {
  private buffer = Buffer.allocUnsafe(SMALLEST)
  private at = SMALLEST

  /** Bytes written so far. */
  get size(): number {
    return this.buffer.length - this.at
  }

  /** What was written last is first. A copy that is free of the writer. */
  toBuffer(): Buffer {
    return Buffer.from(this.buffer.subarray(this.at))
  }

  /** To come after the value that it says the kind of. */
  tag(number: number, wire: 0 | 1 | 2): void {
    this.unsigned(number * 8 + wire)
  }

  /** Signed 64 bits, as `WireReader.integer` reads them. */
  integer(value: number): void {
    if (value >= 0) this.unsigned(value)
    else this.long(BigInt.asUintN(64, BigInt(value)))
  }

  double(value: number): void {
    this.reserve(8)
    this.buffer.writeDoubleLE(value, this.at)
  }

  /** With its length before it. */
  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.reserve(length)
    this.buffer.write(value, this.at, length)
    this.unsigned(length)
  }

  /** With its length before it. */
  bytes(value: Buffer): void {
    this.raw(value)
    this.unsigned(value.length)
  }

  raw(value: Buffer): void {
    this.reserve(value.length)
    value.copy(this.buffer, this.at)
  }

  /** Makes what was written since `size` was `before` a value with its length before it. */
  endMessage(before: number): void {
    this.unsigned(this.size - before)
  }

  private unsigned(value: number): void {
    if (value < 128) {
      this.reserve(1)
      this.buffer[this.at] = value
      return
    }
    if (value > 0x7fffffff) return this.long(BigInt(value))
    const length = value < 1 << 14 ? 2 : value < 1 << 21 ? 3 : value < 1 << 28 ? 4 : 5
    this.reserve(length)
    let rest = value
    for (let index = 0; index < length - 1; index++, rest >>>= 7) this.buffer[this.at + index] = (rest & 127) | 128
    this.buffer[this.at + length - 1] = rest
  }

  private long(value: bigint): void {
    const bytes: number[] = []
    let rest = value
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
    this.raw(Buffer.from(bytes))
  }

  private reserve(bytes: number): void {
    if (this.at < bytes) {
      const { size } = this
      const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, size + bytes))
      this.buffer.copy(larger, larger.length - size, this.at)
      this.at = larger.length - size
      this.buffer = larger
    }
    this.at -= bytes
  }
}
