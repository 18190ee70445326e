/** Splits the body of a watch into its events: one JSON document a line, however the network cut the bytes. */
const newline = 10

/** Takes chunks, answers the parsed documents that are complete; keeps the rest for the next chunk. */
export function createLineDecoder<T>(): { push(chunk: Buffer): T[]; pendingBytes(): number } {
  let pieces: Buffer[] = []
  let pending = 0
  return {
    pendingBytes: () => pending,
    push(chunk) {
      const documents: T[] = []
      let start = 0
      for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
        const tail = chunk.subarray(start, end)
        const line = pieces.length === 0 ? tail : Buffer.concat([...pieces, tail])
        pieces = []
        pending = 0
        start = end + 1
        if (line.length > 0) documents.push(JSON.parse(line.toString('utf8')) as T)
      }
      if (start < chunk.length) {
        pieces.push(chunk.subarray(start))
        pending += chunk.length - start
      }
      return documents
    },
  }
}
