/** `kubelab cluster-info dump`: the state of the cluster and the logs of its pods, to look into elsewhere. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { messageOf } from '../../api/error-message.ts'
import type { Pod } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { createPrinter, itemsOf, withoutManagedFields } from '../printers/printer.ts'
import type { Session } from '../session.ts'

interface DumpOptions {
  namespaces?: string
  allNamespaces?: boolean
  output: string
  outputDirectory?: string
}

/** By the names of their files. */
const LISTS: readonly (readonly [file: string, api: string, plural: string])[] = [
  ['events', '/api/v1', 'events'],
  ['replication-controllers', '/api/v1', 'replicationcontrollers'],
  ['services', '/api/v1', 'services'],
  ['daemonsets', '/apis/apps/v1', 'daemonsets'],
  ['deployments', '/apis/apps/v1', 'deployments'],
  ['replicasets', '/apis/apps/v1', 'replicasets'],
  ['pods', '/api/v1', 'pods'],
]

type Write = (file: string, text: string) => Promise<void>

export const clusterDump: CliCommand = (clusterInfo, open) => {
  clusterInfo
    .command('dump')
    .description('Show the state of the cluster and the logs of its pods: cluster-info dump --output-directory=state')
    .option('--namespaces <names>', 'of these, rather than kube-system and the current one')
    .option('-A, --all-namespaces', 'of every namespace')
    .option('--output-directory <folder>', 'files in there, rather than standard output')
    .option('-o, --output <format>', 'yaml or json', 'json')
    .action(async (options: DumpOptions) => {
      const { output, outputDirectory: folder } = options
      const print = output === 'yaml' || output === 'json' ? createPrinter(output) : undefined
      if (!print) throw new CliError(`unable to match a printer suitable for the output format ${JSON.stringify(output)}`)
      const session = await open()
      const toFolder = folder !== undefined && folder !== '-'
      const write = toFolder ? writerTo(folder) : async (_: string, text: string) => session.print(text)
      const list = (url: string) => session.client.raw<JsonObject>('GET', url)
      const dump = async (file: string, url: string) => {
        const objects = await list(url)
        await write(`${file}.${output}`, print(withoutManagedFields(objects)))
        return objects
      }
      await dump('nodes', '/api/v1/nodes')
      for (const namespace of await namespacesOf(session, options)) {
        let last: JsonObject = {}
        for (const [file, api, plural] of LISTS)
          last = await dump(path.join(namespace, file), `${api}/namespaces/${namespace}/${plural}`)
        for (const pod of itemsOf(last) as unknown as Pod[])
          await write(path.join(namespace, pod.metadata.name, 'logs.txt'), await readLogs(session, namespace, pod))
      }
      if (toFolder) session.print(`Cluster info dumped to ${folder}`)
    })
}

function writerTo(folder: string): Write {
  return async (file, text) => {
    const full = path.join(folder, file)
    await mkdir(path.dirname(full), { recursive: true })
    await writeFile(full, `${text}\n`)
  }
}

async function namespacesOf(session: Session, { allNamespaces, namespaces }: DumpOptions): Promise<string[]> {
  if (!allNamespaces) return namespaces?.split(',') ?? ['kube-system', session.namespace]
  const { items } = await session.client.list('Namespace')
  return items.map(({ metadata }) => metadata.name)
}

/** A container whose logs cannot be read says why in their place: what is broken is what a dump is for. */
async function readLogs({ client }: Session, namespace: string, { metadata: { name }, spec }: Pod): Promise<string> {
  const parts: string[] = []
  for (const { name: container } of [...(spec.initContainers ?? []), ...spec.containers]) {
    const logs = await client
      .raw<string>('GET', `/api/v1/namespaces/${namespace}/pods/${name}/log`, { query: { container }, accept: 'text/plain, */*' })
      .catch((error: unknown) => `Request log error: ${messageOf(error)}\n`)
    const which = `logs for container ${container} of pod ${namespace}/${name} ====`
    parts.push(`==== START ${which}\n${logs}==== END ${which}`)
  }
  return parts.join('\n')
}
