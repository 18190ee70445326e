/** Shows static pods in the API: one mirror pod for each, made again when it is deleted, gone with its manifest. */
import type { Pod } from '../../api/generated/types.ts'
import type { New } from '../../api/object.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { annotations } from './read-manifest.ts'

export type MirrorStep = { do: 'create' } | { do: 'delete'; uid: string } | { do: 'nothing' }

export const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.[annotations.mirror] !== undefined

/** Pure: the mirror shows exactly this version of the pod or has to go; one that someone deletes is let go and made anew. */
export function planMirror(pod: Pod | undefined, mirror: Pod | undefined): MirrorStep {
  if (!mirror) return pod ? { do: 'create' } : { do: 'nothing' }
  const shown = mirror.metadata.annotations?.[annotations.mirror] === pod?.metadata.uid
  if (shown && !mirror.metadata.deletionTimestamp) return { do: 'nothing' }
  return { do: 'delete', uid: mirror.metadata.uid }
}

export interface MirrorPods {
  /** Looks after the mirror of this name; call it when the pod or its mirror changes. */
  sync(key: string): void
  stop(): void
}

export interface MirrorOptions {
  client: ApiClient
  clock: Clock
  logger: Logger
  nodeName: string
  /** By namespace and name. */
  pod(key: string): Pod | undefined
  mirror(key: string): Pod | undefined
}

/** The node may not be registered yet, or the namespace not made. */
const retryMs = 500

export function createMirrorPods({ client, clock, logger, nodeName, pod: podOf, mirror: mirrorOf }: MirrorOptions): MirrorPods {
  const busy = new Set<string>()
  const again = new Set<string>()
  let stopped = false

  async function step(key: string): Promise<void> {
    const pod = podOf(key)
    const plan = planMirror(pod, mirrorOf(key))
    if (plan.do === 'create') return create(pod!)
    if (plan.do === 'delete') {
      const [namespace, name = ''] = key.split('/')
      await client.delete('Pod', { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid: plan.uid } })
    }
  }

  async function create({ metadata, spec }: Pod): Promise<void> {
    const node = await client.get('Node', { name: nodeName })
    const { uid, ...rest } = metadata
    await client.create('Pod', {
      metadata: {
        ...rest,
        annotations: { ...rest.annotations, [annotations.mirror]: uid },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid, controller: true }],
      },
      spec,
    } as New<Pod>)
  }

  function sync(key: string): void {
    if (stopped) return
    if (busy.has(key)) return void again.add(key)
    busy.add(key)
    step(key)
      .catch((error: unknown) => {
        // The watch will tell of what is there now, and then it is looked at again.
        if (isNotFound(error) && !podOf(key)) return
        if (isAlreadyExists(error) || isConflict(error)) return
        logger.debug('cannot mirror a static pod yet', { pod: key, error: String(error) })
        clock.setTimeout(() => sync(key), retryMs)
      })
      .finally(() => {
        busy.delete(key)
        if (again.delete(key)) sync(key)
      })
  }

  return {
    sync,
    stop() {
      stopped = true
    },
  }
}

/** The pod as its worker sees it: what the API knows of its status came from an earlier look of ours. */
export const withMirrorStatus = (pod: Pod, mirror: Pod | undefined): Pod =>
  mirror?.status && mirror.metadata.annotations?.[annotations.mirror] === pod.metadata.uid
    ? { ...pod, status: mirror.status }
    : pod
