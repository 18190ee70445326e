/** `kubelab replace`: objects as files say, whole; with `--force` deleted first and made anew. */
import { isNotFound } from '../../api/status.ts'
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { dryRunOf, dryRunQuery, report, withWriteOptions, type WriteOptions } from '../writes/dry-run.ts'
import { CliError, describeError, inContext, SilentExit } from '../errors.ts'
import { fieldValidationOf, withValidation, type ValidationOptions } from '../writes/field-validation.ts'
import { withFiles } from '../arguments/find-targets.ts'
import { nameOf, namespaceOf, readManifests, type ManifestObject } from '../arguments/manifests.ts'
import { pathOf, qualifiedSingular } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'
import { waitUntilGone } from '../wait-until-gone.ts'

interface ReplaceOptions extends WriteOptions, ValidationOptions {
  filename?: string[]
  recursive?: boolean
  force?: boolean
  gracePeriod?: string
  timeout?: string
  saveConfig?: boolean
  subresource?: string
}

export const replace: CliCommand = (program, open) => {
  withValidation(withWriteOptions(withFiles(program.command('replace'))))
    .description('Put objects in place of those that are there: replace -f web.yaml')
    .option('--force', 'delete them first, then make them anew')
    .option('--grace-period <seconds>', 'with --force: how long they may take to end')
    .option('--timeout <duration>', 'with --force: how long to wait for that')
    .option('--save-config', 'remember the configuration for a later apply')
    .option('--subresource <name>', 'status or scale')
    .option('--wait', 'kubectl has it; replace --force always waits')
    .action(async (options: ReplaceOptions) => {
      if (!options.filename) throw new CliError('must specify one of -f and -k')
      const session = await open()
      const files = { recursive: options.recursive, namespace: session.namespace }
      const manifests = await readManifests(options.filename, session.types, files)
      if (manifests.length === 0) throw new CliError('no objects passed to replace')
      if (options.force) await deleteAll(session, manifests, options)
      await eachOf(session, manifests, (manifest) =>
        options.force ? createAnew(session, manifest, options) : replaceOne(session, manifest, options),
      )
    })
}

/** One that fails does not hold back the rest. */
async function eachOf(session: Session, manifests: ManifestObject[], run: (manifest: ManifestObject) => Promise<void>) {
  let failed = false
  for (const manifest of manifests) {
    try {
      await run(manifest)
    } catch (error) {
      if (manifests.length === 1) throw error
      session.note(describeError(error))
      failed = true
    }
  }
  if (failed) throw new SilentExit('')
}

async function wanted({ object }: ManifestObject, { saveConfig }: ReplaceOptions): Promise<JsonObject> {
  return saveConfig ? (await import('../writes/client-side-apply.ts')).withLastApplied(object) : object
}

async function replaceOne(session: Session, manifest: ManifestObject, options: ReplaceOptions): Promise<void> {
  const { object, type, source } = manifest
  const body = await wanted(manifest, options)
  if (dryRunOf(options) === 'client') return report(session, type, body, 'replaced', options)
  const { subresource } = options
  const path = pathOf(type, { namespace: namespaceOf(object), name: nameOf(object), ...(subresource && { subresource }) })
  const query = { fieldManager: 'kubectl-replace', fieldValidation: fieldValidationOf(options), ...dryRunQuery(options) }
  const replaced = await session.client.raw<JsonObject>('PUT', path, { body, query }).catch((error: unknown) => {
    throw inContext(`error when replacing ${JSON.stringify(source)}`, error)
  })
  report(session, type, replaced, 'replaced', options)
}

async function deleteAll(session: Session, manifests: ManifestObject[], options: ReplaceOptions): Promise<void> {
  if (dryRunOf(options) !== 'none') throw new CliError('--dry-run can not be used when --force is set')
  // As kubectl: without a grace period it deletes at once.
  const gracePeriodSeconds = options.gracePeriod === undefined ? 0 : Number(options.gracePeriod)
  if (gracePeriodSeconds === 0) {
    session.note(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.',
    )
  }
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', gracePeriodSeconds }
  for (const { object, type } of manifests) {
    const target = { type, namespace: namespaceOf(object), name: nameOf(object) }
    const answer = await session.client.raw<JsonObject>('DELETE', pathOf(type, target), { body }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
    if (!answer) continue
    session.print(`${qualifiedSingular(type)} ${JSON.stringify(target.name)} deleted`)
    const holder = (answer['kind'] === 'Status' ? answer['details'] : answer['metadata']) as { uid?: string } | undefined
    await waitUntilGone(session, { ...target, uid: holder?.uid }, options.timeout)
  }
}

async function createAnew(session: Session, manifest: ManifestObject, options: ReplaceOptions): Promise<void> {
  const { object, type, source } = manifest
  const query = { fieldManager: 'kubectl-replace', fieldValidation: fieldValidationOf(options) }
  const body = await wanted(manifest, options)
  const created = await session.client
    .raw<JsonObject>('POST', pathOf(type, { namespace: namespaceOf(object) }), { body, query })
    .catch((error: unknown) => {
      throw inContext(`error when creating ${JSON.stringify(source)}`, error)
    })
  report(session, type, created, 'replaced', options)
}
