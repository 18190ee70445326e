/** Connects informers, routing and HAProxy: every change is computed anew, written when it differs, and told to those concerned. */
import type { Ingress, IngressClass } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import { createSharedInformers } from '../../client/shared-informers.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { computeConfig } from './compute-config.ts'
import { computeRouting } from './compute-routes.ts'
import type { Haproxy } from './haproxy.ts'

const CONTROLLER = 'kubelab.local/ingress'

export interface IngressOptions {
  client: ApiClient
  clock: Clock
  logger: Logger
  recorder: EventRecorder
  haproxy: Haproxy
  folder: string
  fallbackPem: string
  /** `namespace/name` of the service in front: its addresses are those of every ingress. */
  service: string
}

/** Bursts of endpoint changes make one reload. */
const QUIET_MS = 30
const RETRY_MS = 2_000
const MOST_KNOWN = 1_000
const classAnnotation = 'kubernetes.io/ingress.class'

export async function runIngress(options: IngressOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, logger, recorder, haproxy, folder, fallbackPem } = options
  const informers = createSharedInformers(client, {
    clock,
    logger,
    signal,
    scopes: { Secret: { fieldSelector: 'type=kubernetes.io/tls' } },
  })
  const ingresses = informers.informer('Ingress')
  const classes = informers.informer('IngressClass')
  const services = informers.informer('Service')
  const slices = informers.informer('EndpointSlice')
  const secrets = informers.informer('Secret')
  slices.addIndexes({
    service: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`],
  })
  let serving = ''
  let told = new Set<string>()
  /** By the certificate with its key; forgotten all at once, as they seldom change. */
  const accepted = new Map<string, boolean>()

  const isOurs = ({ metadata, spec }: Ingress): boolean => {
    const name = spec?.ingressClassName ?? metadata.annotations?.[classAnnotation]
    const found: IngressClass | undefined = name ? classes.store.get(name) : undefined
    return !metadata.deletionTimestamp && found?.spec?.controller === CONTROLLER
  }
  const tellStatus = async (ours: readonly Ingress[]) => {
    const addresses = services.store.get(options.service)?.status?.loadBalancer?.ingress?.map(({ ip }) => ({ ip })) ?? []
    for (const ingress of ours) {
      const current = ingress.status?.loadBalancer?.ingress?.map(({ ip }) => ({ ip })) ?? []
      if (addresses.length === 0 || JSON.stringify(current) === JSON.stringify(addresses)) continue
      const { namespace, name } = ingress.metadata
      await client.patch(
        'Ingress',
        { namespace, name },
        { status: { loadBalancer: { ingress: addresses } } },
        {
          type: 'application/merge-patch+json',
          subresource: 'status',
        },
      )
    }
  }
  const sync = async () => {
    const ours = ingresses.store.list().filter(isOurs)
    const route = () =>
      computeRouting(ours, {
        service: (key) => services.store.get(key),
        slices: (key) => slices.store.byIndex('service', key),
        secret: (key) => secrets.store.get(key),
        isRefused: (pem) => accepted.get(pem) === false,
      })
    if (accepted.size > MOST_KNOWN) accepted.clear()
    const everything = route()
    const unknown = everything.certificates.filter(({ pem }) => !accepted.has(pem))
    for (const { pem } of unknown) accepted.set(pem, await haproxy.accepts(pem))
    const routing = unknown.length > 0 ? route() : everything
    const files = computeConfig(routing, folder, fallbackPem)
    const text = JSON.stringify([...files])
    if (text !== serving) {
      await haproxy.apply(files)
      serving = text
    }
    const telling = new Set(routing.complaints.map(({ about, reason, message }) => `${keyOf(about)} ${reason} ${message}`))
    for (const { about, reason, message } of routing.complaints) {
      if (!told.has(`${keyOf(about)} ${reason} ${message}`)) recorder.event(about, 'Warning', reason, message)
    }
    told = telling
    await tellStatus(ours)
  }

  let wanted = true
  let wake = () => {}
  const touch = () => {
    wanted = true
    wake()
  }
  for (const informer of [ingresses, classes, services, slices, secrets]) {
    informer.addHandlers({ added: touch, updated: touch, deleted: touch })
  }
  informers.start()
  await informers.whenSynced()
  signal.addEventListener('abort', touch)
  while (!signal.aborted) {
    if (!wanted) await new Promise<void>((resolve) => (wake = resolve))
    wanted = false
    await clock.sleep(QUIET_MS, signal)
    try {
      if (!signal.aborted) await sync()
    } catch (error) {
      logger.error('cannot serve the ingresses as they are, going on as before', { error: String(error) })
      clock.setTimeout(touch, RETRY_MS)
    }
  }
}
