/** Connects informers, routing and HAProxy: every change is computed anew, written when it differs, and told to those concerned. */
import type { Ingress, IngressLoadBalancerIngress } from '../../api/generated/types.ts'
import { keyOf } from '../../api/object.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import type { Clock } from '../../component/clock.ts'
import { coalesce } from '../../component/coalesce.ts'
import type { Logger } from '../../component/logger.ts'
import { untilAborted } from '../../component/until-aborted.ts'
import { computeConfig } from './compute-config.ts'
import { type Complaint, computeRouting, type Routing } from './compute-routes.ts'
import type { Haproxy } from './haproxy.ts'
import { addressesOf, createIngressObjects, type IngressObjects } from './ingress-objects.ts'

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

/** Resolves when the signal aborts. */
export async function runIngress(options: IngressOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, logger, haproxy, folder, fallbackPem } = options
  const objects = createIngressObjects(client, options.service, { clock, logger, signal })
  const route = createRouter(objects, haproxy)
  const complain = createComplainer(options.recorder)
  let serving = ''

  async function sync(): Promise<void> {
    const ours = objects.ours()
    const routing = await route(ours)
    const files = computeConfig(routing, folder, fallbackPem)
    const text = JSON.stringify([...files])
    if (text !== serving) {
      await haproxy.apply(files)
      serving = text
    }
    complain(routing.complaints)
    await tellAddresses(client, ours, objects.addresses())
  }

  const passes = coalesce(async () => void (signal.aborted || (await sync())), {
    gather: () => clock.sleep(QUIET_MS, signal),
    onError(error) {
      logger.error('cannot serve the ingresses as they are, going on as before', { error: String(error) })
      clock.setTimeout(passes.request, RETRY_MS)
    },
  })
  await objects.start(passes.request)
  passes.request()
  await untilAborted(signal)
  passes.stop()
  await passes.settled()
}

/** Routes by certificates that HAProxy has tried: one that it refuses costs its own hosts, not everybody's. */
function createRouter(objects: IngressObjects, haproxy: Haproxy): (ours: readonly Ingress[]) => Promise<Routing> {
  /** By the certificate with its key; forgotten all at once, as they seldom change. */
  const accepted = new Map<string, boolean>()
  const cluster = { ...objects.cluster, isRefused: (pem: string) => accepted.get(pem) === false }
  return async (ours) => {
    if (accepted.size > MOST_KNOWN) accepted.clear()
    const everything = computeRouting(ours, cluster)
    const untried = everything.certificates.filter(({ pem }) => !accepted.has(pem))
    for (const { pem } of untried) accepted.set(pem, await haproxy.accepts(pem))
    return untried.length > 0 ? computeRouting(ours, cluster) : everything
  }
}

/** Says each complaint once, for as long as there is reason for it. */
function createComplainer(recorder: EventRecorder): (complaints: readonly Complaint[]) => void {
  const textOf = ({ about, reason, message }: Complaint) => `${keyOf(about)} ${reason} ${message}`
  let told = new Set<string>()
  return (complaints) => {
    for (const complaint of complaints) {
      const { about, reason, message } = complaint
      if (!told.has(textOf(complaint))) recorder.event(about, 'Warning', reason, message)
    }
    told = new Set(complaints.map(textOf))
  }
}

async function tellAddresses(
  client: ApiClient,
  ours: readonly Ingress[],
  addresses: readonly IngressLoadBalancerIngress[],
): Promise<void> {
  for (const ingress of ours) {
    if (addresses.length === 0 || JSON.stringify(addressesOf(ingress)) === JSON.stringify(addresses)) continue
    const { namespace, name } = ingress.metadata
    const status = { loadBalancer: { ingress: addresses } }
    await client.patch(
      'Ingress',
      { namespace, name },
      { status },
      { type: 'application/merge-patch+json', subresource: 'status' },
    )
  }
}
