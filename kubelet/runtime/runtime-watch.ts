/** Tells whose containers and sandboxes have changed: from the runtime's events, and from relisting for what those may lose. */
import type { KubeletContext } from '../kubelet-context.ts'
import type { PodSandbox } from './cri-types.ts'
import { labels } from './labels.ts'

export interface RuntimeWatch {
  /** Whether the runtime held something of the pod when it was last listed. */
  holds(uid: string): boolean
  /** Looks at everything anew; a failure is logged, for the next look makes up for it. */
  relist(): Promise<void>
  /** Relists every so often; resolves when the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  stop(): void
}

export interface RuntimeWatchOptions {
  context: Pick<KubeletContext, 'clock' | 'cri' | 'logger' | 'platform'>
  /** The pod whose container this is, where it is too young to have been listed. */
  ownerOf(containerId: string): string | undefined
  /** Something of the pod came, changed or went; `exited` names a container that is known to have ended. */
  changed(uid: string, exited?: string): void
  /** All sandboxes that there are. */
  listed(sandboxes: readonly PodSandbox[]): void
}

interface Held {
  uid: string
  state: string
}

/** With the event stream up this only guards against what the stream may lose. */
const relistMs = 30_000
const relistWithoutEventsMs = 1000

export function watchRuntime({ context, ownerOf, changed, listed }: RuntimeWatchOptions): RuntimeWatch {
  const { clock, cri, logger } = context
  /** Containers and sandboxes, by id, as they were listed last. */
  let held = new Map<string, Held>()

  async function list(): Promise<void> {
    const [{ items }, { containers }] = await Promise.all([cri.call('ListPodSandbox', {}), cri.call('ListContainers', {})])
    const before = held
    held = new Map([...items, ...containers].map(({ id, state, labels: own }) => [id, { uid: own[labels.podUid] ?? '', state }]))
    for (const uid of computeChanged(before, held)) changed(uid)
    listed(items)
  }

  /** It may have ended before its worker had seen it start. */
  async function askForOwner(id: string): Promise<void> {
    const [{ containers }, { items }] = await Promise.all([
      cri.call('ListContainers', { filter: { id } }),
      cri.call('ListPodSandbox', { filter: { id } }),
    ])
    const uid = (containers[0] ?? items[0])?.labels[labels.podUid]
    if (uid) changed(uid, id)
  }

  const relist = () =>
    list().catch((error: unknown) => logger.warn('cannot list what the runtime holds', { error: String(error) }))

  const events = context.platform.subscribe({
    clock,
    logger,
    onEvent({ containerId }) {
      const uid = held.get(containerId)?.uid ?? ownerOf(containerId)
      if (uid) return changed(uid, containerId)
      askForOwner(containerId).catch((error: unknown) =>
        logger.warn('cannot tell whose container ended', { containerId, error: String(error) }),
      )
    },
    onReset: () => void relist(),
  })

  return {
    holds: (uid) => [...held.values()].some((item) => item.uid === uid),
    relist,
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(events.connected() ? relistMs : relistWithoutEventsMs, signal)
        if (!signal.aborted) await relist()
      }
    },
    stop: () => events.stop(),
  }
}

/** Pure: the pods of which something came, went or has another state. */
function computeChanged(before: ReadonlyMap<string, Held>, after: ReadonlyMap<string, Held>): Set<string> {
  const gone = [...before].filter(([id]) => !after.has(id))
  const others = [...after].filter(([id, { state }]) => before.get(id)?.state !== state)
  return new Set([...others, ...gone].map(([, { uid }]) => uid))
}
