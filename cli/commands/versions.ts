/** `kubelab version`, `api-versions` and `cluster-info`: who we talk to. */
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { describeError, CliError, SilentExit } from '../errors.ts'
import { createPrinter, itemsOf } from '../printers/printer.ts'
import { VERSION } from '../session.ts'
import type { Session } from '../session.ts'
import { clusterDump } from './cluster-dump.ts'

interface VersionInfo extends JsonObject {
  gitVersion: string
}

export const version: CliCommand = (program, open) => {
  program
    .command('version')
    .description('Show the version of this command and of the server')
    .option('--client', 'of this command alone')
    .option('-o, --output <format>', 'yaml or json')
    .action(async (options: { client?: boolean; output?: string }) => {
      if (options.output !== undefined && options.output !== 'yaml' && options.output !== 'json')
        throw new CliError("--output must be 'yaml' or 'json'")
      const clientVersion = { gitVersion: `v${VERSION}`, platform: `${process.platform}/${process.arch}` }
      const session = options.client ? undefined : await open()
      const asked = session && (await session.client.raw<VersionInfo>('GET', '/version').catch((error: unknown) => ({ error })))
      const serverVersion = asked && !('error' in asked) ? (asked as VersionInfo) : undefined
      const print = createPrinter(options.output)
      process.stdout.write(
        print
          ? `${print({ clientVersion, ...(serverVersion && { serverVersion }) })}\n`
          : [
              `Client Version: ${clientVersion.gitVersion}`,
              ...(serverVersion ? [`Server Version: ${serverVersion.gitVersion}`] : []),
              '',
            ].join('\n'),
      )
      if (asked && 'error' in asked) throw asked.error
    })
}

export const apiVersions: CliCommand = (program, open) => {
  program
    .command('api-versions')
    .description('Show every version of every group that the server serves')
    .action(async () => {
      const { client, print } = await open()
      const { groups } = await client.raw<{ groups: { versions: { groupVersion: string }[] }[] }>('GET', '/apis')
      const { versions } = await client.raw<{ versions: string[] }>('GET', '/api')
      const all = [...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion)), ...versions]
      print(all.toSorted().join('\n'))
    })
}

export const clusterInfo: CliCommand = (program, open) => {
  const command = program.command('cluster-info')
  clusterDump(command, open)
  command.description('Show where the control plane and its services are').action(async () => {
    const session = await open()
    const services = await clusterServices(session)
    const terminal = process.stdout.isTTY
    const green = (text: string) => (terminal ? `\u001B[32m${text}\u001B[0m` : text)
    const yellow = (text: string) => (terminal ? `\u001B[33m${text}\u001B[0m` : text)
    const lines = [{ name: 'Kubernetes control plane', url: session.config.server }, ...services]
    session.print(lines.map(({ name, url }) => `${green(name)} is running at ${yellow(url)}`).join('\n'))
    session.print("\nTo further debug and diagnose cluster problems, use 'kubelab status' and 'kubelab events -A'.")
  })
}

/** Services of the system that say they are the cluster's own, through the API server's proxy. */
async function clusterServices({ client, config, note }: Session): Promise<{ name: string; url: string }[]> {
  const query = { labelSelector: 'kubernetes.io/cluster-service=true' }
  const list = await client
    .raw<JsonObject>('GET', '/api/v1/namespaces/kube-system/services', { query })
    .catch((error: unknown) => {
      note(describeError(error))
      throw new SilentExit('')
    })
  return itemsOf(list).map(({ metadata, spec }) => {
    const { name, namespace, labels } = metadata as { name: string; namespace: string; labels?: Record<string, string> }
    const [port] = (spec as { ports?: { name?: string; port: number }[] }).ports ?? []
    const scheme = port?.name === 'https' || port?.port === 443 ? 'https:' : ''
    const target = [...(scheme ? ['https'] : []), name, ...(port?.name ? [port.name] : scheme ? [''] : [])].join(':')
    const url = `${config.server}/api/v1/namespaces/${namespace}/services/${target}/proxy`
    return { name: labels?.['kubernetes.io/name'] ?? name, url }
  })
}
