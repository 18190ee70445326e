/** Waits for the first Ingress, then brings the controller: a lab that uses none pays nothing for it. */
import type { ApiClient } from '../../client/api-client.ts'
import { createInformer } from '../../client/informer.ts'
import { sourceOf } from '../../client/shared-informers.ts'
import { systemClock } from '../../component/clock.ts'
import { untilAborted } from '../../component/until-aborted.ts'
import type { Logger } from '../../component/logger.ts'
import type { Installation } from './host-program.ts'
import { ingressObjects } from './ingress.ts'
import { applyObjects } from './install.ts'

/** Resolves when the controller is applied, or `signal` aborts. */
export async function installIngressOnDemand(
  client: ApiClient,
  installation: Installation,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController()
  const ingresses = createInformer(sourceOf(client, 'Ingress'), { name: 'Ingress', clock: systemClock, logger })
  const first = new Promise<void>((resolve) => ingresses.addHandlers({ added: () => resolve() }))
  const watching = ingresses.run(AbortSignal.any([signal, done.signal]))
  await Promise.race([first, untilAborted(signal)])
  done.abort()
  await watching
  if (signal.aborted) return
  await applyObjects(client, ingressObjects(installation))
  logger.info('the first Ingress is there, brought the controller')
}
