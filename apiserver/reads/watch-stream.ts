/**
 * What one watcher has yet to be sent: written as fast as the client reads, held back in a bounded queue while it does not.
 *
 * The state at the start comes first, a slice at a time, so that a list of any size takes no memory but its entries'. Events
 * of one turn of the event loop go out in one write, put together once for all who get the same. A client that stays behind by
 * more than the bound is cut off: it can list again, where a server that queues for ever dies.
 */

/** Bytes that a client may be behind by. */
const MAX_QUEUED = 16 * 1024 * 1024

const SLICE = 64 * 1024

/** The answer, or what stands in its place on an upgraded connection. Is given whole frames only. */
export interface Sink {
  write(bytes: Buffer): boolean
  end(): unknown
  destroy(): unknown
  on(event: 'drain' | 'close', listener: () => void): unknown
}

export interface WatchStream {
  push(frame: Buffer): void
  /** Sends what is queued and ends the answer well. */
  end(): void
  readonly open: boolean
}

let due: (() => void)[] = []
let last: { frames: readonly Buffer[]; bytes: Buffer } | undefined

/** When all input of this turn was read: what etcd has sent in several messages goes to each watcher in one. */
function atEndOfTurn(flush: () => void): void {
  if (due.push(flush) > 1) return
  setImmediate(() => {
    const all = due
    due = []
    for (const each of all) each()
    last = undefined
  })
}

/** Watchers of one view have the same to send at the end of a turn: it is put together once. */
function joined(frames: readonly Buffer[]): Buffer {
  if (frames.length === 1) return frames[0]!
  if (last?.frames.length === frames.length && frames.every((frame, index) => frame === last?.frames[index])) return last.bytes
  last = { frames, bytes: Buffer.concat(frames) }
  return last.bytes
}

export function createWatchStream(
  sink: Sink,
  initial: Iterator<Buffer>,
  onClose: (reason: 'client' | 'slow' | 'ended') => void,
): WatchStream {
  let queue: Buffer[] = []
  let queued = 0
  let atStart = true
  let scheduled = false
  let blocked = false
  let ending = false
  let open = true

  const close = (reason: 'client' | 'slow' | 'ended') => {
    if (!open) return
    open = false
    queue = []
    onClose(reason)
  }

  /** The start, a slice at a time; after it whatever is queued. Empty when there is nothing to send now. */
  const nextFrames = (): Buffer[] => {
    const slice: Buffer[] = []
    let size = 0
    while (atStart && size < SLICE) {
      const { value, done } = initial.next()
      if (done) atStart = false
      else size += slice.push(value) && value.length
    }
    if (slice.length > 0) return slice
    const frames = queue
    queue = []
    queued = 0
    return frames
  }

  const flush = () => {
    scheduled = false
    while (open && !blocked) {
      const frames = nextFrames()
      if (frames.length === 0) break
      blocked = !sink.write(joined(frames))
    }
    if (open && ending && !blocked && queue.length === 0) {
      close('ended')
      sink.end()
    }
  }

  const schedule = () => {
    if (scheduled || blocked || !open) return
    scheduled = true
    atEndOfTurn(flush)
  }

  sink.on('drain', () => {
    blocked = false
    flush()
  })
  sink.on('close', () => close('client'))
  schedule()

  return {
    get open() {
      return open
    },
    push(frame) {
      if (!open || ending) return
      queue.push(frame)
      queued += frame.length
      if (queued > MAX_QUEUED) {
        close('slow')
        sink.destroy()
      } else schedule()
    },
    end() {
      ending = true
      schedule()
    },
  }
}
