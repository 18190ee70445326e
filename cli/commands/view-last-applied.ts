/** `kubelab apply view-last-applied`: what `apply` remembers of objects, in their annotation. */
import type { JsonObject } from '../../api/json.ts'
import { readLastApplied } from '../../api/patch/last-applied.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { findTargets, pathOfTarget, withFiles, type TargetOptions } from '../arguments/find-targets.ts'
import { printYaml } from '../printers/yaml.ts'

const PRINTERS: Record<string, (object: JsonObject) => string> = {
  yaml: printYaml,
  // Two spaces here, where `get -o json` has four.
  json: (object) => JSON.stringify(object, null, 2),
}

export const viewLastApplied: CliCommand = (apply, open) => {
  withFiles(apply.command('view-last-applied [args...]'))
    .description('Show what was applied last: apply view-last-applied deploy/web')
    .option('-l, --selector <labels>', 'all objects with these labels')
    .option('--all', 'all objects of the type')
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .action(async (args: string[], options: TargetOptions & { output: string }) => {
      const print = PRINTERS[options.output]
      if (!print) throw new CliError(`Unexpected -o output mode: ${options.output}, the flag 'output' must be one of yaml|json`)
      const session = await open()
      const texts: string[] = []
      for (const target of await findTargets(session, args, options)) {
        const applied = readLastApplied(await session.client.raw<JsonObject>('GET', pathOfTarget(target)))
        if (!applied) throw new CliError(`no last-applied-configuration annotation found on resource: ${target.name}`)
        texts.push(print(applied))
      }
      if (texts.length > 0) session.print(texts.join('\n'))
    })
}
