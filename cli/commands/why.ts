/** `kubelab why`: the scheduler's own reasons for where a pod is, or for why it is nowhere, what would change that, and why it is not ready there. */
import { X509Certificate } from 'node:crypto'
import type { CoreEvent, Pod } from '../../api/generated/types.ts'
import { isForbidden, isNotFound } from '../../api/status.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { findPods } from '../arguments/find-pods.ts'
import type { Session } from '../session.ts'
import { whyNoPods, whyNotReady, whyUnbound } from '../decisions/why-not-ready.ts'
import { formatWhy, type SchedulerAnswer } from '../decisions/why-text.ts'

export const why: CliCommand = (program, open) => {
  program
    .command('why <pod...>')
    .description(
      'Show why a pod is where it is and is not ready, or why it is not scheduled and what would let it be: why web-x2k4q, why deployment/web',
    )
    .option('-o, --output <format>', 'json: what the scheduler knows, as it says it')
    .action(async (args: string[], { output }: { output?: string }) => {
      const session = await open()
      const scheduler = await connect(session)
      try {
        const texts: string[] = []
        for (const argument of nameEach(args)) {
          for (const pod of await findPods(session, argument).catch(orWithoutPods(session, argument))) {
            const answer = await ask(scheduler, `${pod.metadata.namespace}/${pod.metadata.name}`)
            texts.push(output === 'json' ? JSON.stringify(answer, undefined, 2) : await tell(session, pod, answer))
          }
        }
        if (texts.length > 0) session.print(texts.join(output === 'json' ? '\n' : '\n\n'))
      } finally {
        await scheduler.close()
      }
    })
}

/** `pod web db` as well as `pod/web pod/db` and `web db`. */
const nameEach = ([first = '', ...more]: readonly string[]): string[] =>
  ['pod', 'pods', 'po'].includes(first) && more.length > 0 ? more : [first, ...more]

/** What the scheduler says, and where the rest is not its to know, what others say. */
async function tell(session: Session, pod: Pod, answer: SchedulerAnswer): Promise<string> {
  const now = new Date()
  const { name, uid } = pod.metadata
  if (answer.state === 'assigned') {
    const story = whyNotReady(pod, await eventsOf(session, `involvedObject.name=${name},involvedObject.uid=${uid}`), now)
    return [formatWhy(answer, now), story].filter(Boolean).join('\n\n')
  }
  const claims = await unboundClaims(session, pod)
  const stories = await Promise.all(
    claims.map(async (claim) =>
      whyUnbound(claim, await eventsOf(session, `involvedObject.kind=PersistentVolumeClaim,involvedObject.name=${claim}`), now),
    ),
  )
  return [formatWhy(answer, now), ...stories].join('\n\n')
}

const eventsOf = ({ client, namespace }: Session, fieldSelector: string): Promise<CoreEvent[]> =>
  client.list('Event', { namespace, fieldSelector }).then(({ items }) => items, noneWhereForbidden)

/** Who may not read events hears what the scheduler says all the same. */
function noneWhereForbidden(error: unknown): never[] {
  if (!isForbidden(error)) throw error
  return []
}

async function unboundClaims({ client, namespace }: Session, { spec, metadata }: Pod): Promise<string[]> {
  const names = (spec.volumes ?? []).flatMap(
    ({ name, persistentVolumeClaim, ephemeral }) =>
      persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : []),
  )
  if (names.length === 0) return []
  const claims = await client.list('PersistentVolumeClaim', { namespace }).then(({ items }) => items, noneWhereForbidden)
  return claims
    .filter((claim) => names.includes(claim.metadata.name) && claim.status?.phase !== 'Bound')
    .map((claim) => claim.metadata.name)
}

/** A workload whose pods cannot even be created has none to ask about. */
const orWithoutPods =
  (session: Session, argument: string) =>
  async (error: unknown): Promise<Pod[]> => {
    const name = argument.split('/').at(-1)!
    const story =
      error instanceof CliError ? whyNoPods(argument, name, await eventsOf(session, 'reason=FailedCreate'), new Date()) : null
    if (story === null) throw error
    session.print(story)
    return []
  }

const ask = (scheduler: RestClient, pod: string): Promise<SchedulerAnswer> =>
  scheduler.raw<SchedulerAnswer>('GET', '/debug/attempts', { query: { pod } }).catch((error: unknown) => {
    if (!isForbidden(error)) throw error
    throw new CliError(
      'Cannot ask the scheduler: you may not "get" the path /debug/attempts (a ClusterRole with nonResourceURLs allows it)',
    )
  })

/** The leader tells with its lease where it is and what certificate it shows there; it knows us as the API server does. */
async function connect({ client, config }: Session): Promise<RestClient> {
  const lease = await client.get('Lease', { namespace: 'kube-system', name: 'kube-scheduler' }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
    throw new CliError('Cannot ask the scheduler: none leads (there is no lease kube-system/kube-scheduler)')
  })
  const annotations = lease.metadata.annotations ?? {}
  const server = annotations['kubelab.local/debug-url']
  const ca = annotations['kubelab.local/debug-certificate']
  if (!lease.spec.holderIdentity || !server || !ca) {
    throw new CliError(
      "Cannot ask the scheduler: the one that leads does not say where (it is not kubelab's, or it has just stopped)",
    )
  }
  const tlsServerName = /DNS:([^,\s]+)/.exec(new X509Certificate(ca).subjectAltName ?? '')?.[1]
  return createApiClient({ ...config, server, ca, tlsServerName, insecureSkipTlsVerify: false })
}
