/** `kubelab diff`: what an apply would change, told by `diff`. */
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { JsonObject } from '../../api/json.ts'
import { isNotFound } from '../../api/status.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, describeError, SilentExit } from '../errors.ts'
import { withFiles } from '../arguments/find-targets.ts'
import { namespaceOf, nameOf, readManifests, type ManifestObject } from '../arguments/manifests.ts'
import { withoutManagedFields } from '../printers/printer.ts'
import { printYaml } from '../printers/yaml.ts'
import { pathOf } from '../arguments/resource-types.ts'
import { runProgram } from '../run-program.ts'
import type { Session } from '../session.ts'

interface DiffOptions {
  filename?: string[]
  recursive?: boolean
  serverSide?: boolean
  forceConflicts?: boolean
  fieldManager?: string
  showManagedFields?: boolean
}

export const diff: CliCommand = (program, open) => {
  withFiles(program.command('diff'))
    .description('Show what an apply would change: diff -f web.yaml; ends with 1 when there is anything')
    .option('--server-side', 'as a server-side apply would')
    .option('--force-conflicts', 'with --server-side: take fields over that others own')
    .option('--field-manager <name>', 'who owns the fields')
    .option('--show-managed-fields', 'who owns which field as well')
    .action(async (options: DiffOptions) => {
      if (!options.filename) throw new CliError('must specify one of -f and -k', 2)
      const session = await open()
      const files = { recursive: options.recursive, namespace: session.namespace }
      const code = await readManifests(options.filename, session.types, files)
        .then((manifests) => compareAll(session, manifests, options))
        .catch((error: unknown) => {
          // 1 says that there are differences: a failure has to end with another code.
          session.note(describeError(error))
          return 2
        })
      if (code > 0) throw new SilentExit('', code)
    })
}

/** Two folders with a file an object; as kubectl, `$KUBECTL_EXTERNAL_DIFF` may say what compares them. */
async function compareAll(session: Session, manifests: ManifestObject[], options: DiffOptions): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-diff-'))
  const [live, merged] = [path.join(folder, 'LIVE'), path.join(folder, 'MERGED')]
  try {
    await Promise.all([mkdir(live), mkdir(merged)])
    for (const manifest of manifests) {
      const file = fileNameOf(manifest)
      const { before, after } = await versionsOf(session, manifest, options)
      const shown = (object: JsonObject) =>
        `${printYaml(mask(options.showManagedFields ? object : withoutManagedFields(object)))}\n`
      if (before) await writeFile(path.join(live, file), shown(before))
      await writeFile(path.join(merged, file), shown(after))
    }
    const code = await runProgram(process.env['KUBECTL_EXTERNAL_DIFF'] ?? 'diff -u -N', [live, merged])
    return code
  } finally {
    await rm(folder, { recursive: true })
  }
}

const fileNameOf = ({ object, type }: ManifestObject): string =>
  [type.group, type.version, type.kind, namespaceOf(object) ?? '', nameOf(object)]
    .filter((part, index) => part !== '' || index === 3)
    .join('.')

/** Values of secrets are not for the screen. */
function mask(object: JsonObject): JsonObject {
  const { data } = object
  if (object['kind'] !== 'Secret' || typeof data !== 'object' || data === null) return object
  return { ...object, data: Object.fromEntries(Object.keys(data).map((key) => [key, '***'])) }
}

async function versionsOf(
  session: Session,
  { object, type }: ManifestObject,
  options: DiffOptions,
): Promise<{ before: JsonObject | undefined; after: JsonObject }> {
  const namespace = namespaceOf(object)
  const path = pathOf(type, { namespace, name: nameOf(object) })
  const before = await session.client.raw<JsonObject>('GET', path).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  if (options.serverSide) {
    const query = {
      dryRun: 'All',
      fieldManager: options.fieldManager ?? 'kubectl',
      ...(options.forceConflicts && { force: 'true' }),
    }
    const contentType = 'application/apply-patch+yaml'
    return { before, after: await session.client.raw<JsonObject>('PATCH', path, { body: object, contentType, query }) }
  }
  const query = { dryRun: 'All', fieldManager: options.fieldManager ?? 'kubectl-client-side-apply' }
  const { computeApplyPatch, withLastApplied } = await import('../writes/client-side-apply.ts')
  if (!before) {
    const body = withLastApplied(object)
    return { before, after: await session.client.raw<JsonObject>('POST', pathOf(type, { namespace }), { body, query }) }
  }
  const { patch, contentType } = computeApplyPatch(before, object, type)
  if (Object.keys(patch).length === 0) return { before, after: before }
  return { before, after: await session.client.raw<JsonObject>('PATCH', path, { body: patch, contentType, query }) }
}
