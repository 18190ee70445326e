/** `kubelab trace`: the way from one change to running containers, as the API server's record of causes has it. */
import { CliError } from '../errors.ts'
import type { CliCommand } from '../commands.ts'
import { parseReferences } from '../arguments/object-arguments.ts'
import { openBody } from '../streams/open-stream.ts'
import type { Session } from '../session.ts'
import { formatTrace, traceWrites, type WriteRecord } from '../decisions/trace-writes.ts'

export const trace: CliCommand = (program, open) => {
  program
    .command('trace <args...>')
    .description('Show what one change caused, write by write: trace deployment/web')
    .option('--events', 'show events too')
    .option('-o, --output <format>', 'json: the writes, one a line')
    .action(async (args: string[], { events = false, output }: { events?: boolean; output?: string }) => {
      const session = await open()
      const writes = (await readWrites(session)).filter(({ resource }) => events || resource !== 'events')
      for (const { type, name } of await parseReferences(args, session.types)) {
        const namespace = type.namespaced ? session.namespace : ''
        const nodes = traceWrites(writes, { resource: type.plural, namespace, name })
        if (!nodes) {
          throw new CliError(
            `Cannot trace ${type.plural}/${name}: the API server does not remember a write of it (it keeps the last ones only)`,
          )
        }
        session.print(output === 'json' ? nodes.map(({ write }) => JSON.stringify(write)).join('\n') : formatTrace(nodes))
      }
    })
}

async function readWrites({ config }: Session): Promise<WriteRecord[]> {
  const chunks: Buffer[] = []
  for await (const chunk of await openBody(config, '/debug/kubelab/writes?since=0')) chunks.push(chunk)
  return Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as WriteRecord)
}
