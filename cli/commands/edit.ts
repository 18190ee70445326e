/** `kubelab edit`: objects in your editor, what you change sent as a patch; what the server refuses comes back to be mended. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { deepEqual, type JsonObject } from '../../api/json.ts'
import { isApiError } from '../../api/status.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, describeError } from '../errors.ts'
import { findTargets, pathOfTarget, type Target, type TargetOptions, withFiles } from '../arguments/find-targets.ts'
import { parseManifest } from '../arguments/manifests.ts'
import { withoutManagedFields } from '../printers/printer.ts'
import { printJson } from '../printers/json.ts'
import { printYaml } from '../printers/yaml.ts'
import { qualifiedSingular } from '../arguments/resource-types.ts'
import { runProgram } from '../run-program.ts'
import type { Session } from '../session.ts'

interface EditOptions extends TargetOptions {
  output: string
  subresource?: string
}

export const edit: CliCommand = (program, open) => {
  withFiles(program.command('edit [args...]'))
    .description('Change objects in your editor ($KUBE_EDITOR, $EDITOR, vi): edit deploy/web')
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .option('--subresource <name>', 'status')
    .action(async (args: string[], options: EditOptions) => {
      const session = await open()
      for (const target of await findTargets(session, args, options)) await editOne(session, target, options)
    })
}

const HEADER = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`

const EDITOR = process.env['KUBE_EDITOR'] ?? process.env['EDITOR'] ?? 'vi'

async function editOne(session: Session, target: Target, { output, subresource }: EditOptions): Promise<void> {
  const before = withoutManagedFields(await session.client.raw<JsonObject>('GET', pathOfTarget(target, subresource)))
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-edit-'))
  const file = path.join(folder, `${target.name}.${output === 'json' ? 'json' : 'yaml'}`)
  const shown = output === 'json' ? printJson(before) : printYaml(before)
  let keep = false
  try {
    let text = `${shown}\n`
    let complaint = ''
    for (;;) {
      const offered = output === 'json' ? text : HEADER + complaint + text
      await writeFile(file, offered)
      const code = await runProgram(EDITOR, [file])
      if (code !== 0) throw new CliError(`there was a problem with the editor ${JSON.stringify(EDITOR)}`)
      const edited = await readFile(file, 'utf8')
      const unchanged = withoutComments(edited, output) === text
      text = withoutComments(edited, output)
      if (text.trim() === '') return session.note('Edit cancelled, saved file was empty.')
      // Nothing was changed since the server, or we, complained: there is nobody to mend it.
      if (complaint && unchanged) {
        keep = true
        throw new CliError(
          `Edit cancelled, no valid changes were saved.\nA copy of your changes has been stored to ${JSON.stringify(file)}`,
        )
      }
      try {
        const [after] = parseManifest(text, file)
        if (!after || deepEqual(after, before)) return session.note('Edit cancelled, no changes made.')
        await sendChanges(session, target, before, after, subresource)
        return session.print(`${qualifiedSingular(target.type)}/${target.name} edited`)
      } catch (error) {
        if (!isApiError(error) && !(error instanceof CliError)) throw error
        const told = describeError(error)
        session.note(told)
        complaint = `${told
          .split('\n')
          .map((line) => `# ${line}`)
          .join('\n')}\n#\n`
      }
    }
  } finally {
    if (!keep) await rm(folder, { recursive: true })
  }
}

const withoutComments = (text: string, output: string): string => {
  if (output === 'json') return text
  const lines = text.split('\n')
  const first = lines.findIndex((line) => !line.startsWith('#'))
  return first < 0 ? '' : lines.slice(first).join('\n')
}

async function sendChanges(
  session: Session,
  target: Target,
  before: JsonObject,
  after: JsonObject,
  subresource: string | undefined,
): Promise<void> {
  const { type } = target
  const metadata = after['metadata'] as JsonObject
  if (metadata['name'] !== target.name) throw new CliError('At least one of apiVersion, kind and name was changed')
  const { computeEditPatch } = await import('../writes/client-side-apply.ts')
  const { contentType, patch } = computeEditPatch(before, after, type)
  await session.client.raw('PATCH', pathOfTarget(target, subresource), {
    body: patch,
    contentType,
    query: { fieldManager: 'kubectl-edit', fieldValidation: 'Strict' },
  })
}
