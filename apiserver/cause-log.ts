/** The last writes with who made them and what caused them: a bounded ring that `/debug/kubelab/writes` serves. */

export interface WriteRecord {
  /** Who wrote: the authenticated (or impersonated) user name. */
  actor: string
  verb: string
  group: string
  resource: string
  subresource?: string | undefined
  namespace?: string | undefined
  name: string
  uid: string
  /** resourceVersion that the write made. */
  revision: number
  /** `<resource>/<namespace>/<name>@<revision>` that woke the writer, as it said. */
  cause?: string | undefined
  /** Milliseconds since the epoch, with fractions: writes within one millisecond keep their order. */
  time: number
}

export interface CauseLog {
  record(write: Omit<WriteRecord, 'time'>): void
  /** Writes after `revision`, the oldest first. */
  since(revision: number): WriteRecord[]
}

export function createCauseLog(capacity = 20_000): CauseLog {
  const ring: WriteRecord[] = []
  let next = 0
  return {
    record(write) {
      ring[next] = { ...write, time: performance.timeOrigin + performance.now() }
      next = (next + 1) % capacity
    },
    since(revision) {
      const ordered = ring.length < capacity ? ring : [...ring.slice(next), ...ring.slice(0, next)]
      return ordered.filter((write) => write.revision > revision)
    },
  }
}
