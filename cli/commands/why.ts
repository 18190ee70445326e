/** `kubelab why`: the scheduler's own reasons for where a pod is, or for why it is nowhere, and what would change that. */
import { X509Certificate } from 'node:crypto'
import { isForbidden, isNotFound } from '../../api/status.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { findPods } from '../find-pods.ts'
import type { Session } from '../session.ts'
import { formatWhy, type SchedulerAnswer } from '../why-text.ts'

export const why: CliCommand = (program, open) => {
  program
    .command('why <pod...>')
    .description(
      'Show why a pod is where it is, or why it is not scheduled and what would let it be: why web-x2k4q, why deployment/web',
    )
    .option('-o, --output <format>', 'json: what the scheduler knows, as it says it')
    .action(async (args: string[], { output }: { output?: string }) => {
      const session = await open()
      const scheduler = await connect(session)
      try {
        const answers: SchedulerAnswer[] = []
        for (const argument of nameEach(args)) {
          for (const { metadata } of await findPods(session, argument)) {
            answers.push(await ask(scheduler, `${metadata.namespace}/${metadata.name}`))
          }
        }
        const texts = answers.map((answer) =>
          output === 'json' ? JSON.stringify(answer, undefined, 2) : formatWhy(answer, new Date()),
        )
        session.print(texts.join(output === 'json' ? '\n' : '\n\n'))
      } finally {
        await scheduler.close()
      }
    })
}

/** `pod web db` as well as `pod/web pod/db` and `web db`. */
const nameEach = ([first = '', ...more]: readonly string[]): string[] =>
  ['pod', 'pods', 'po'].includes(first) && more.length > 0 ? more : [first, ...more]

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
