/** Ends pods that run here and that the API no longer has: deleted, or their node was, while this kubelet was away. */
import { readdir, rm } from 'node:fs/promises'
import type { Pod } from '../../api/generated/types.ts'
import { stopContainer } from '../containers/kill-container.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import { ignoreMissing } from '../runtime/cri-client.ts'
import type { PodSandbox } from '../runtime/cri-types.ts'
import { labels, readGracePeriod } from '../runtime/labels.ts'
import { tearDownVolumes } from '../volumes/pod-volumes.ts'

interface OrphanIdentity {
  uid: string
  namespace: string
  name: string
}

/** Ends the pods of the sandboxes that it is given, each once at a time. */
export function createOrphanEnder(context: KubeletContext): (sandboxes: readonly PodSandbox[]) => void {
  const { logger } = context
  const ending = new Set<string>()
  return (sandboxes) => {
    for (const { metadata: pod, annotations } of sandboxes) {
      if (ending.has(pod.uid)) continue
      ending.add(pod.uid)
      logger.info('ending a pod that the API does not know', { ...pod })
      removeOrphan(pod, annotations, context)
        .catch((error: unknown) => logger.warn('cannot end an orphaned pod', { ...pod, error: String(error) }))
        .finally(() => ending.delete(pod.uid))
    }
  }
}

async function removeOrphan(pod: OrphanIdentity, annotations: Record<string, string>, context: KubeletContext): Promise<void> {
  const { cri, paths } = context
  const filter = { labelSelector: { [labels.podUid]: pod.uid } }
  const { containers } = await cri.call('ListContainers', { filter })
  await Promise.all(
    containers
      .filter(({ state }) => state === 'CONTAINER_RUNNING' || state === 'CONTAINER_UNKNOWN')
      .map((container) => stopContainer(cri, container.id, readGracePeriod({ ...annotations, ...container.annotations }))),
  )
  const { items } = await cri.call('ListPodSandbox', { filter })
  for (const { id: podSandboxId } of items) {
    await cri.call('StopPodSandbox', { podSandboxId })
    await ignoreMissing(cri.call('RemovePodSandbox', { podSandboxId }))
  }
  for (const qos of everyQos(pod)) context.cgroups.remove(qos)
  await tearDownVolumes(pod.uid, { ...context.platform, paths })
  await rm(paths.podDirectory(pod.uid), { recursive: true, force: true })
  await rm(paths.podLogDirectory(pod), { recursive: true, force: true })
}

/** The spec is not known any more, and with it the class that names the cgroup: one of each is tried. */
function everyQos({ uid, namespace, name }: OrphanIdentity): Pod[] {
  const resources = [
    {},
    { requests: { cpu: '1m' } },
    { requests: { cpu: '1m', memory: '1' }, limits: { cpu: '1m', memory: '1' } },
  ]
  return resources.map((resources) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { uid, namespace, name },
    spec: { containers: [{ name: 'x', resources }] },
  }))
}

/** Folders of pods that neither the API nor the runtime knows. */
export async function removeOldDirectories(
  known: ReadonlySet<string>,
  { paths, logger, platform }: KubeletContext,
): Promise<void> {
  for (const uid of await readdir(paths.podsDirectory).catch(() => [])) {
    if (known.has(uid)) continue
    logger.info('removing the folder of a pod that is gone', { uid })
    await tearDownVolumes(uid, { ...platform, paths })
    await rm(paths.podDirectory(uid), { recursive: true, force: true })
  }
}
