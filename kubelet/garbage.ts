/** Removes what nobody needs any more: folders of pods that are gone, links to logs that are gone. */
import { readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { untilAborted } from '../component/until-aborted.ts'
import type { ImageCollector } from './images/image-collector.ts'
import type { Kubelet } from './kubelet.ts'
import type { KubeletContext } from './kubelet-context.ts'
import { removeOldDirectories } from './pods/orphans.ts'
import { labels } from './runtime/labels.ts'

const intervalMs = 60_000

/** Resolves when the signal aborts. */
export async function startCollector(
  context: KubeletContext,
  kubelet: Kubelet,
  images: ImageCollector,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = context
  await Promise.race([kubelet.started, untilAborted(signal)])
  while (!signal.aborted) {
    await collect(context, kubelet).catch((error: unknown) => logger.warn('cannot collect garbage', { error: String(error) }))
    await images.collect().catch((error: unknown) => logger.warn('cannot collect images', { error: String(error) }))
    await clock.sleep(intervalMs, signal)
  }
}

async function collect(context: KubeletContext, kubelet: Kubelet): Promise<void> {
  const { items } = await context.cri.call('ListPodSandbox', {})
  const known = new Set([
    ...kubelet.pods().map(({ metadata }) => metadata.uid),
    ...items.map(({ labels: own }) => own[labels.podUid] ?? ''),
  ])
  await removeOldDirectories(known, context)
  const links = path.join(path.dirname(context.paths.logRoot), 'containers')
  for (const name of await readdir(links).catch(() => [])) {
    const link = path.join(links, name)
    if (!(await stat(link).catch(() => undefined))) await rm(link, { force: true })
  }
}
