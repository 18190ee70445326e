/** `kubelab apply`: make the cluster hold what files say, by three-way patches or by server-side apply. */
import type { JsonObject } from '../../api/json.ts'
import { LAST_APPLIED, readLastApplied } from '../../api/patch/last-applied.ts'
import { isConflict, isNotFound } from '../../api/status.ts'
import { collect } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, inContext, describeError, SilentExit } from '../errors.ts'
import { namespaceOf, nameOf, readManifests, type ManifestObject } from '../arguments/manifests.ts'
import { createPrinter, withoutManagedFields } from '../printers/printer.ts'
import { pathOf, qualifiedPlural, qualifiedSingular } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'
import { viewLastApplied } from './view-last-applied.ts'

interface ApplyOptions {
  filename?: string[]
  recursive?: boolean
  serverSide?: boolean
  forceConflicts?: boolean
  fieldManager?: string
  dryRun?: string
  validate: string
  output?: string
}

type Outcome = 'created' | 'configured' | 'unchanged' | 'serverside-applied'

const MAXIMUM_ATTEMPTS = 5

export const apply: CliCommand = (program, open) => {
  const command = program.command('apply')
  viewLastApplied(command, open)
  command
    .description('Make the cluster hold what files say: apply -f web.yaml, apply -f folder/, apply -f -')
    .option('-f, --filename <file>', 'file, folder, or - for standard input', collect)
    .option('-R, --recursive', 'folders within folders as well')
    .option('--server-side', 'let the server merge, and track who owns which field')
    .option('--force-conflicts', 'with --server-side: take fields over that others own')
    .option('--field-manager <name>', 'who owns the fields')
    .option('--dry-run <how>', 'client, server or none', 'none')
    .option('--validate <how>', 'strict, warn or ignore unknown fields', 'strict')
    .option('-o, --output <format>', 'show the objects: name, yaml, json, …')
    .action(async (options: ApplyOptions) => {
      const session = await open()
      if (!options.filename) throw new CliError('must specify one of -f and -k')
      const objects = await readManifests(options.filename, session.types, {
        recursive: options.recursive,
        namespace: session.namespace,
      })
      if (objects.length === 0) throw new CliError('no objects passed to apply')
      await applyAll(session, objects, options)
    })
}

/** Each on its own: one that fails does not hold back the rest. */
async function applyAll(session: Session, objects: ManifestObject[], options: ApplyOptions): Promise<void> {
  const printer = createPrinter(options.output)
  const suffix = options.dryRun === 'client' ? ' (dry run)' : options.dryRun === 'server' ? ' (server dry run)' : ''
  let failed = false
  for (const manifest of objects) {
    try {
      const { outcome, object } = options.serverSide
        ? await applyOnServer(session, manifest, options)
        : await applyFromClient(session, manifest, options)
      if (printer) session.print(printer(withoutManagedFields(object)))
      else session.print(`${qualifiedSingular(manifest.type)}/${nameOf(manifest.object)} ${outcome}${suffix}`)
    } catch (error) {
      if (objects.length === 1) throw error
      session.note(describeError(error))
      failed = true
    }
  }
  if (failed) throw new SilentExit('')
}

const VALIDATION: Record<string, string> = { strict: 'Strict', true: 'Strict', warn: 'Warn', ignore: 'Ignore', false: 'Ignore' }

const queryOf = (options: ApplyOptions, manager: string): Record<string, string> => ({
  fieldManager: options.fieldManager ?? manager,
  fieldValidation: VALIDATION[options.validate] ?? 'Strict',
  ...(options.dryRun === 'server' && { dryRun: 'All' }),
})

async function applyOnServer(
  session: Session,
  { object, type, source }: ManifestObject,
  options: ApplyOptions,
): Promise<{ outcome: Outcome; object: JsonObject }> {
  const path = pathOf(type, { namespace: namespaceOf(object), name: nameOf(object) })
  try {
    const applied = await session.client.raw<JsonObject>('PATCH', path, {
      body: object,
      contentType: 'application/apply-patch+yaml',
      query: { ...queryOf(options, 'kubectl'), ...(options.forceConflicts && { force: 'true' }) },
    })
    return { outcome: 'serverside-applied', object: applied }
  } catch (error) {
    if (isConflict(error)) throw new CliError(`${error.message}\n${CONFLICT_HELP}`)
    throw inContext(`error when applying patch from ${JSON.stringify(source)}`, error)
  }
}

const CONFLICT_HELP = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).`

async function applyFromClient(
  session: Session,
  manifest: ManifestObject,
  options: ApplyOptions,
): Promise<{ outcome: Outcome; object: JsonObject }> {
  // The models are large: only this command pays for reading them.
  const { withLastApplied } = await import('../writes/client-side-apply.ts')
  const { object, type, source } = manifest
  const name = nameOf(object)
  if (!name) throw new CliError(`error from ${source}: resource name may not be empty`)
  const namespace = namespaceOf(object)
  const path = pathOf(type, { namespace, name })
  const live = await session.client.raw<JsonObject>('GET', path).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw inContext(
      `error when retrieving current configuration of ${qualifiedPlural(type)}/${name} from server for ${JSON.stringify(source)}`,
      error,
    )
  })
  if (live) return patchLive(session, manifest, live, path, options)
  const body = withLastApplied(object)
  if (options.dryRun === 'client') return { outcome: 'created', object: body }
  const query = queryOf(options, 'kubectl-client-side-apply')
  const created = await session.client
    .raw<JsonObject>('POST', pathOf(type, { namespace }), { body, query })
    .catch((error: unknown) => {
      throw inContext(`error when creating ${JSON.stringify(source)}`, error)
    })
  return { outcome: 'created', object: created }
}

async function patchLive(
  session: Session,
  { object, type, source }: ManifestObject,
  live: JsonObject,
  path: string,
  options: ApplyOptions,
): Promise<{ outcome: Outcome; object: JsonObject }> {
  const { computeApplyPatch } = await import('../writes/client-side-apply.ts')
  if (!readLastApplied(live)) {
    session.note(
      `Warning: resource ${qualifiedPlural(type).replace(/\..*/, '')}/${nameOf(object)} is missing the ${LAST_APPLIED} annotation which is required by kubelab apply. kubelab apply should only be used on resources created declaratively by either kubelab create --save-config or kubelab apply. The missing annotation will be patched automatically.`,
    )
  }
  let current = live
  for (let attempt = 1; ; attempt++) {
    const { contentType, patch } = computeApplyPatch(current, object, type)
    if (Object.keys(patch).length === 0) return { outcome: 'unchanged', object: current }
    if (options.dryRun === 'client') return { outcome: 'configured', object: current }
    try {
      const query = queryOf(options, 'kubectl-client-side-apply')
      const patched = await session.client.raw<JsonObject>('PATCH', path, { body: patch, contentType, query })
      return { outcome: 'configured', object: patched }
    } catch (error) {
      if (!isConflict(error) || attempt === MAXIMUM_ATTEMPTS) {
        throw inContext(
          `error when applying patch:\n${JSON.stringify(patch)}\nto:\nResource: ${JSON.stringify(qualifiedPlural(type))}, Name: ${JSON.stringify(nameOf(object))}\nfor: ${JSON.stringify(source)}`,
          error,
        )
      }
      current = await session.client.raw<JsonObject>('GET', path)
    }
  }
}
