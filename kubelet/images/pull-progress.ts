/** Tells now and then how far a pull is that takes long, so that a large image can be told from a hanging registry. */
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import type { PullProgress } from '../runtime/containerd-content.ts'

export interface ProgressOptions {
  /** Undefined while it is not known. */
  progress(): Promise<PullProgress | undefined>
  tell(message: string): void
  clock: Clock
  logger: Logger
  /** Of the first report; each next one comes after twice the time, so that an hour's pull makes a dozen events. */
  firstAfterMs: number
}

/** Until the answer is called. */
export function reportProgress({ progress, tell, clock, logger, firstAfterMs }: ProgressOptions): () => void {
  let over = false
  let cancel = () => {}
  const wait = (ms: number) => {
    cancel = clock.setTimeout(() => void look(ms), ms)
  }
  async function look(waitedMs: number): Promise<void> {
    const now = await progress().catch((error: unknown) => {
      logger.warn('cannot see how far the pull of an image is', { error })
      return undefined
    })
    if (over) return
    if (now) tell(describeProgress(now))
    wait(waitedMs * 2)
  }
  wait(firstAfterMs)
  return () => {
    over = true
    cancel()
  }
}

function describeProgress({ layers, complete, bytes }: PullProgress): string {
  const fetched = `${complete} of ${layers} ${layers === 1 ? 'layer' : 'layers'} fetched, ${(bytes / (1 << 20)).toFixed(1)} MiB`
  return complete === layers ? `${fetched}, unpacking` : fetched
}
