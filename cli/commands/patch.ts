/** `kubelab patch`: change fields of objects, by any of the three patch types. */
import { readFile } from 'node:fs/promises'
import { deepEqual, type JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { dryRunOf, dryRunQuery, report, withWriteOptions, type WriteOptions } from '../writes/dry-run.ts'
import { CliError } from '../errors.ts'
import { findTargets, pathOfTarget, withFiles, type TargetOptions } from '../arguments/find-targets.ts'
import { applyLocally, parsePatch, type PatchKind } from '../writes/read-patch.ts'

interface PatchOptions extends WriteOptions, TargetOptions {
  patch?: string
  patchFile?: string
  type: string
  subresource?: string
  fieldManager: string
}

const CONTENT_TYPES: Record<string, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
}

export const patch: CliCommand = (program, open) => {
  withWriteOptions(withFiles(program.command('patch [args...]')))
    .description(`Change fields of objects: patch deploy web -p '{"spec":{"replicas":2}}'`)
    .option('-p, --patch <patch>', 'the patch, as JSON or YAML')
    .option('--patch-file <file>', 'a file that holds it')
    .option('--type <type>', 'strategic, merge or json', 'strategic')
    .option('--subresource <name>', 'status, scale or resize')
    .option('--field-manager <name>', 'who owns the fields', 'kubectl-patch')
    .action(async (args: string[], options: PatchOptions) => {
      if (options.patch === undefined && options.patchFile === undefined)
        throw new CliError('must specify --patch or --patch-file containing the contents of the patch')
      if (options.patch !== undefined && options.patchFile !== undefined)
        throw new CliError('cannot specify --patch and --patch-file together')
      const kind = options.type.toLowerCase()
      const contentType = CONTENT_TYPES[kind]
      if (!contentType) throw new CliError(`--type must be one of [json merge strategic], not ${JSON.stringify(options.type)}`)
      const text = options.patch ?? (await readFile(options.patchFile!, 'utf8'))
      const parsed = parsePatch(text)
      // A string would be sent as it is.
      const body = typeof parsed === 'string' && !/^\s*[{[]/.test(parsed) ? JSON.stringify(parsed) : parsed
      const session = await open()
      for (const target of await findTargets(session, args, options)) {
        const path = pathOfTarget(target, options.subresource)
        const current = await session.client.raw<JsonObject>('GET', path)
        const patched =
          dryRunOf(options) === 'client'
            ? await applyLocally(current, body, kind as PatchKind, target.type)
            : await session.client.raw<JsonObject>('PATCH', path, {
                body,
                contentType,
                query: { fieldManager: options.fieldManager, ...dryRunQuery(options) },
              })
        report(session, target.type, patched, deepEqual(current, patched) ? 'patched (no change)' : 'patched', options)
      }
    })
}
