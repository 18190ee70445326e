/** `kubelab scale`: how many pods a workload has. */
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { parseReferences } from '../arguments/object-arguments.ts'
import { pathOf, qualifiedSingular } from '../arguments/resource-types.ts'

interface ScaleOptions {
  replicas?: string
  currentReplicas?: string
  resourceVersion?: string
}

interface Scale {
  metadata: { resourceVersion: string }
  spec: { replicas?: number }
}

export const scale: CliCommand = (program, open) => {
  program
    .command('scale <args...>')
    .description('Set how many pods a workload has: scale deploy/web --replicas=3')
    .option('--replicas <count>', 'how many it shall have')
    .option('--current-replicas <count>', 'only if it has this many')
    .option('--resource-version <version>', 'only if it is at this version')
    .action(async (args: string[], options: ScaleOptions) => {
      const replicas = Number(options.replicas)
      if (options.replicas === undefined || !Number.isInteger(replicas) || replicas < 0) {
        throw new CliError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0')
      }
      const session = await open()
      for (const { type, name } of await parseReferences(args, session.types)) {
        const path = pathOf(type, { namespace: session.namespace, name, subresource: 'scale' })
        const { resourceVersion } = options
        const current = options.currentReplicas === undefined ? undefined : await session.client.raw<Scale>('GET', path)
        if (current && (current.spec.replicas ?? 0) !== Number(options.currentReplicas)) {
          throw new CliError(`Expected replicas to be ${options.currentReplicas}, was ${current.spec.replicas ?? 0}`)
        }
        const version = resourceVersion ?? current?.metadata.resourceVersion
        await session.client.raw('PATCH', path, {
          body: { spec: { replicas }, ...(version && { metadata: { resourceVersion: version } }) },
          contentType: 'application/merge-patch+json',
        })
        session.print(`${qualifiedSingular(type)}/${name} scaled`)
      }
    })
}
