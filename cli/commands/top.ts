/** `kubelab top`: what pods and nodes use, where metrics are served. */
import type { Command } from 'commander'
import { isApiError } from '../../api/status.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import type { Session } from '../session.ts'
import { nodeTable, podTable, type NodeMetrics, type PodMetrics } from '../decisions/usage-tables.ts'

interface TopOptions {
  selector?: string
  fieldSelector?: string
  sortBy?: string
  allNamespaces?: boolean
  containers?: boolean
  sum?: boolean
  headers: boolean
}

const METRICS = '/apis/metrics.k8s.io/v1beta1'

const withOptions = (command: Command): Command =>
  command
    .option('-l, --selector <labels>', 'only those with these labels')
    .option('--sort-by <what>', 'cpu or memory: the largest first')
    .option('--no-headers', 'no line of column names')

export const top: CliCommand = (program, open) => {
  const command = program.command('top').description('Show what pods and nodes use: top pods, top nodes')
  withOptions(command.command('pods [name]').aliases(['pod', 'po']))
    .description('Show what pods use: top pods -A --sort-by=memory')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--field-selector <fields>', 'only those with these fields')
    .option('--containers', 'container by container')
    .option('--sum', 'and all together')
    .action(async (name: string | undefined, options: TopOptions) => topPods(await open(), name, options))
  withOptions(command.command('nodes [name]').aliases(['node', 'no']))
    .description('Show what nodes use: top nodes')
    .action(async (name: string | undefined, options: TopOptions) => topNodes(await open(), name, options))
}

function checkSort({ sortBy }: TopOptions): void {
  if (sortBy !== undefined && sortBy !== 'cpu' && sortBy !== 'memory') throw new CliError('--sort-by accepts only cpu or memory')
}

/** One object or all of them; a server without the group has no metrics at all. */
async function read<T>({ client }: Session, path: string, name: string | undefined, options: TopOptions): Promise<T[]> {
  checkSort(options)
  const { groups } = await client.raw<{ groups: { name: string }[] }>('GET', '/apis')
  if (!groups.some((group) => group.name === 'metrics.k8s.io')) throw new CliError('Metrics API not available')
  const { selector, fieldSelector } = options
  const query = { ...(selector && { labelSelector: selector }), ...(fieldSelector && { fieldSelector }) }
  try {
    if (name !== undefined) return [await client.raw<T>('GET', `${METRICS}/${path}/${name}`)]
    return (await client.raw<{ items: T[] }>('GET', `${METRICS}/${path}`, { query })).items
  } catch (error) {
    if (isApiError(error) && error.code === 503) throw new CliError('Metrics not available')
    throw error
  }
}

async function topPods(session: Session, name: string | undefined, options: TopOptions): Promise<void> {
  const { allNamespaces: withNamespace = false, containers: byContainer = false, sum = false, headers, sortBy } = options
  const path = withNamespace ? 'pods' : `namespaces/${session.namespace}/pods`
  const pods = await read<PodMetrics>(session, path, name, options)
  if (pods.length === 0)
    return session.note(withNamespace ? 'No resources found' : `No resources found in ${session.namespace} namespace.`)
  session.print(podTable(pods, { withNamespace, byContainer, sum, headers, sortBy }))
}

async function topNodes(session: Session, name: string | undefined, options: TopOptions): Promise<void> {
  const metrics = await read<NodeMetrics>(session, 'nodes', name, options)
  if (metrics.length === 0) throw new CliError('metrics not available yet')
  const { items } = await session.client.list('Node')
  const available = new Map(items.map(({ metadata, status }) => [metadata.name, status?.allocatable ?? {}]))
  session.print(nodeTable(metrics, available, options))
}
