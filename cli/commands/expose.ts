/** `kubelab expose`: a service in front of what a workload, pod or service selects. */
import type { Container, LabelSelector } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { parseReferences } from '../arguments/object-arguments.ts'
import { createPrinter, withoutManagedFields } from '../printers/printer.ts'
import { pathOf } from '../arguments/resource-types.ts'

interface ExposeOptions {
  port?: string
  targetPort?: string
  protocol: string
  name?: string
  type?: string
  clusterIp?: string
  selector?: string
  dryRun?: string
  output?: string
}

interface Exposable {
  kind: string
  metadata: { name: string; labels?: Record<string, string> }
  spec: {
    selector?: LabelSelector | Record<string, string>
    template?: { spec: { containers: Container[] } }
    containers?: Container[]
    ports?: { port: number }[]
  }
}

export const expose: CliCommand = (program, open) => {
  program
    .command('expose <args...>')
    .description('Make a service for what is there: expose deploy web --port=80 --target-port=8080')
    .option('--port <port>', 'port of the service')
    .option('--target-port <port>', 'port of the containers, by number or name')
    .option('--protocol <protocol>', 'TCP, UDP or SCTP', 'TCP')
    .option('--name <name>', 'name of the service; default the name of the object')
    .option('--type <type>', 'ClusterIP, NodePort, LoadBalancer or ExternalName')
    .option('--cluster-ip <address>', 'the address; None for a headless service')
    .option('--selector <labels>', 'which pods; default those of the object')
    .option('--dry-run <how>', 'client, server or none', 'none')
    .option('-o, --output <format>', 'show the object: yaml, json, name')
    .action(async (args: string[], options: ExposeOptions) => {
      const session = await open()
      const printer = createPrinter(options.output)
      for (const { type, name } of await parseReferences(args, session.types)) {
        const { namespace } = session
        const object = await session.client.raw<Exposable>('GET', pathOf(type, { namespace, name }))
        const service = serviceFor(object, namespace, options)
        const query = { fieldManager: 'kubectl-expose', ...(options.dryRun === 'server' && { dryRun: 'All' }) }
        const created =
          options.dryRun === 'client'
            ? service
            : await session.client.raw<JsonObject>('POST', `/api/v1/namespaces/${namespace}/services`, { body: service, query })
        const suffix = options.dryRun === 'client' ? ' (dry run)' : options.dryRun === 'server' ? ' (server dry run)' : ''
        session.print(printer ? printer(withoutManagedFields(created)) : `service/${options.name ?? name} exposed${suffix}`)
      }
    })
}

export function serviceFor({ kind, metadata, spec }: Exposable, namespace: string, options: ExposeOptions): JsonObject {
  const selector = options.selector ? selectorFromText(options.selector) : selectorOf(kind, metadata.labels, spec.selector)
  const found = options.port
    ? options.port.split(',').map(Number)
    : kind === 'Service'
      ? (spec.ports ?? []).map(({ port }) => port)
      : (spec.template?.spec.containers ?? spec.containers ?? []).flatMap(({ ports = [] }) =>
          ports.map(({ containerPort }) => containerPort),
        )
  if (found.length === 0) throw new CliError("couldn't find port via --port flag or introspection")
  const ports = found.map((port, index): JsonObject => ({
    ...(found.length > 1 && { name: `port-${index + 1}` }),
    port,
    protocol: options.protocol,
    targetPort: portOf(options.targetPort) ?? port,
  }))
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: options.name ?? metadata.name, namespace, ...(metadata.labels && { labels: metadata.labels }) },
    spec: {
      ports,
      selector,
      ...(options.type && { type: options.type }),
      ...(options.clusterIp && { clusterIP: options.clusterIp }),
    },
  }
}

const portOf = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : text

const selectorFromText = (text: string): JsonObject =>
  Object.fromEntries(text.split(',').map((pair) => pair.split('=', 2) as [string, string]))

function selectorOf(
  kind: string,
  labels: Record<string, string> | undefined,
  selector: LabelSelector | Record<string, string> | undefined,
): JsonObject {
  if (kind === 'Pod') {
    if (!labels) throw new CliError('the pod has no labels and cannot be exposed')
    return labels
  }
  if (!selector) throw new CliError(`cannot expose a ${kind}`)
  if (kind === 'Service' || kind === 'ReplicationController') return selector as Record<string, string>
  const { matchLabels, matchExpressions } = selector as LabelSelector
  if (matchExpressions?.length)
    throw new CliError(`couldn't convert expressions - ${JSON.stringify(matchExpressions)} to map-based selector format`)
  return matchLabels ?? {}
}
