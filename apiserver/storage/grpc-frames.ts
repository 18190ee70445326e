/** Cuts a gRPC byte stream into its messages. */

/** Above what etcd sends for one page of a list, even of its largest values, or for one revision of a watch. */
const LARGEST = 2 ** 30
const HEADER = 5

export class FrameReader {
  private readonly onMessage: (message: Buffer) => void
  private chunks: Buffer[] = []
  private size = 0
  /** Bytes of the frame at the front, header included; unknown while the header is not here. */
  private needed = HEADER

  constructor(onMessage: (message: Buffer) => void) {
    this.onMessage = onMessage
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.size += chunk.length
    while (this.size >= this.needed) {
      // Joined once a frame, not once a chunk.
      const buffer = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks)
      const end = HEADER + lengthOf(buffer)
      this.needed = end
      if (buffer.length < end) {
        this.chunks = [buffer]
        return
      }
      this.chunks = buffer.length > end ? [buffer.subarray(end)] : []
      this.size -= end
      this.needed = HEADER
      this.onMessage(buffer.subarray(HEADER, end))
    }
  }
}

function lengthOf(buffer: Buffer): number {
  if (buffer[0] !== 0) throw new Error('Cannot read from etcd: the message is compressed')
  const length = buffer.readUInt32BE(1)
  if (length > LARGEST) throw new Error(`Cannot read from etcd: a message of ${length} bytes is too large`)
  return length
}
