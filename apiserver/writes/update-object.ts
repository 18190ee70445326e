/** Stores the next version of an object: compute it from the one that is there, admit, prepare, validate, compare and swap. */
import { invalid as invalidField } from '../../api/field-error.ts'
import type { KubeObject } from '../../api/object.ts'
import { badRequest, conflict, invalid, notFound } from '../../api/status.ts'
import { admissionAttributes, createAdmission } from '../admission/admission-chain.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import type { Stored } from './create-object.ts'
import { keyOfRequest } from '../endpoints/get.ts'
import { recordManagerOfStored } from './field-managers.ts'
import { readFromStorage, toStorageVersion, toWritten } from '../storage-version.ts'
import type { Entry } from '../storage/store.ts'
import type { WriteOptions } from './write-options.ts'
import { isRefusal, recordWrite, throwIfInvalid, withHold, writeContext } from './write-steps.ts'

/** How often a write without a resourceVersion may lose a race: every loss is another writer's progress. */
const ATTEMPTS = 64

export interface Update {
  /**
   * The new object in the served version, made from the stored one. Called again after a lost race. Never changes `current`;
   * what it answers belongs to the update.
   */
  compute: (current: Entry) => KubeObject | Promise<KubeObject>
  /** PUT takes a resourceVersion for a condition; a patch may leave it out even where PUT may not. */
  needsResourceVersion?: boolean
  /** The write keeps its own record of field managers (server-side apply). */
  tracked?: boolean
  /** `compute` has changed one part and kept the rest: the steps by which a kind keeps its parts apart are not for it. */
  partial?: boolean
  /** Instead of `compute` on nothing: makes the object when it does not exist. */
  createInstead?: () => Promise<Stored>
}

export async function updateObject(
  context: ApiContext,
  request: ResourceRequest,
  options: WriteOptions,
  update: Update,
): Promise<Stored> {
  const { store } = context
  const key = keyOfRequest(request)
  let current = store.get(key)
  let isCurrent = false
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (!current && !isCurrent) {
      await store.current()
      current = store.get(key)
      isCurrent = true
    }
    if (!current) {
      if (update.createInstead) return update.createInstead()
      throw missing(request)
    }
    try {
      const done = await attemptUpdate(context, request, options, update, current)
      if ('entry' in done || 'dryRun' in done) return done
      current = done.current
      isCurrent = true
    } catch (error) {
      // The complaint may be about a version that is not the newest: another server's write is still on its way here.
      if (isCurrent || !isRefusal(error)) throw error
      await store.current()
      isCurrent = true
      const newest = store.get(key)
      if (newest?.revision === current?.revision) throw error
      current = newest
    }
  }
  throw conflictOf(request)
}

type Attempt = Stored | { current: Entry | undefined }

const missing = ({ info, resource: { definition } }: ResourceRequest) =>
  notFound(definition.names.group, definition.names.plural, info.name)

const conflictOf = ({ info, resource: { definition } }: ResourceRequest, why?: string) =>
  conflict(definition.names.group, definition.names.plural, info.name, why)

async function attemptUpdate(
  context: ApiContext,
  request: ResourceRequest,
  options: WriteOptions,
  update: Update,
  current: Entry,
): Promise<Attempt> {
  const { definition } = request.resource
  const stored = current.object()
  const old = definition.convert ? await readFromStorage(request.resource, stored) : stored
  const object = toStorageVersion(request.resource, await update.compute(current))
  checkIdentity(request, object, old)
  definition.setDefaults?.(object)
  if (!update.tracked) recordManagerOfStored(request, object, old, options, context.now())
  const admission = createAdmission(context, admissionAttributes(request, 'UPDATE', options.dryRun, object, old))
  await admission.admit()
  checkResourceVersion(request, object, current, update)
  prepare(request, object, old, update.partial ?? false)
  await admission.validate()
  request.warnings.push(...(definition.warnings?.(object, old) ?? []))
  return write(context, request, options, object, current)
}

function checkIdentity({ info, resource }: ResourceRequest, { metadata }: KubeObject, old: KubeObject): void {
  const { namespaced } = resource.definition.names
  if (!metadata.name) throw badRequest('name must be provided')
  if (metadata.name !== info.name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${info.name})`)
  if (!namespaced) delete metadata.namespace
  else if (metadata.namespace && metadata.namespace !== info.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  else metadata.namespace = info.namespace
  if (metadata.uid && metadata.uid !== old.metadata.uid)
    throw conflict(
      resource.definition.names.group,
      resource.definition.names.plural,
      info.name,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata.uid}`,
    )
}

function checkResourceVersion(request: ResourceRequest, { metadata }: KubeObject, current: Entry, update: Update): void {
  const { names, unconditionalUpdate = true } = request.resource.definition
  const given = metadata.resourceVersion && metadata.resourceVersion !== '0' ? metadata.resourceVersion : undefined
  if (given === undefined && update.needsResourceVersion && !unconditionalUpdate)
    throw invalid(names.group, names.plural, request.info.name, [
      {
        ...invalidField('metadata.resourceVersion', 0, 'must be specified for an update'),
        message: 'Invalid value: 0x0: must be specified for an update',
      },
    ])
  if (given !== undefined && given !== String(current.revision)) throw conflictOf(request)
}

/** What no update may change stays; then the kind's own rules. */
function prepare(
  { info, resource: { definition } }: ResourceRequest,
  object: KubeObject,
  old: KubeObject,
  partial: boolean,
): void {
  const { metadata } = object
  const before = old.metadata
  metadata.uid = before.uid
  if (before.creationTimestamp) metadata.creationTimestamp = before.creationTimestamp
  if (before.deletionTimestamp) metadata.deletionTimestamp = before.deletionTimestamp
  else delete metadata.deletionTimestamp
  if (before.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds ??= before.deletionGracePeriodSeconds
  else delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  if (before.generation === undefined) delete metadata.generation
  else metadata.generation = before.generation

  if (info.subresource === 'status') {
    definition.prepareForStatusUpdate?.(object, old)
    throwIfInvalid(definition, object, definition.validateStatusUpdate?.(object, old) ?? [])
    return
  }
  if (partial) {
    if (definition.generationChanges?.(object, old)) metadata.generation = (before.generation ?? 0) + 1
    const ownRules = definition.validateSubresource?.[info.subresource]?.(object, old) ?? []
    throwIfInvalid(definition, object, [...(definition.validate?.(object) ?? []), ...ownRules])
    return
  }
  definition.prepareForUpdate?.(object, old)
  if (definition.generationChanges?.(object, old)) metadata.generation = (before.generation ?? 0) + 1
  const errors = [...(definition.validate?.(object) ?? []), ...(definition.validateUpdate?.(object, old) ?? [])]
  throwIfInvalid(definition, object, errors)
}

async function write(
  context: ApiContext,
  request: ResourceRequest,
  options: WriteOptions,
  object: KubeObject,
  current: Entry,
): Promise<Attempt> {
  const { definition } = request.resource
  const old = current.object()
  if (goesWithThisUpdate(object, old)) return removeFinalized(context, request, options, object, current)
  if (options.dryRun)
    return { dryRun: { ...object, metadata: { ...object.metadata, resourceVersion: String(current.revision) } } }
  let lost: Entry | undefined
  const hold = await definition.beforeStore?.(object, old, writeContext(context, false))
  const entry = await withHold(hold, false, async () => {
    const { ttlSeconds } = definition
    const result = await context.store.update(
      current.key,
      await toWritten(request.resource, object),
      current.revision,
      ttlSeconds === undefined ? {} : { ttlSeconds },
    )
    if (result.ok) return result.entry
    lost = result.current
    return undefined
  })
  if (!entry) return { current: lost }
  if (entry.revision !== current.revision) recordWrite(context, request, options, entry)
  return { entry }
}

/** The last finalizer of an object that was deleted before has gone: this update is what removes it. */
function goesWithThisUpdate(object: KubeObject, old: KubeObject): boolean {
  if (!old.metadata.deletionTimestamp || (object.metadata.finalizers?.length ?? 0) > 0) return false
  if ((old.metadata.deletionGracePeriodSeconds ?? 0) !== 0) return false
  // A namespace has finalizers of its own in the spec, which /finalize takes away.
  const { spec } = object as { spec?: { finalizers?: unknown[] } }
  return object.kind !== 'Namespace' || object.apiVersion !== 'v1' || (spec?.finalizers?.length ?? 0) === 0
}

async function removeFinalized(
  context: ApiContext,
  request: ResourceRequest,
  options: WriteOptions,
  object: KubeObject,
  current: Entry,
): Promise<Attempt> {
  if (options.dryRun) return { dryRun: object }
  const hold = await request.resource.definition.beforeStore?.(undefined, current.object(), writeContext(context, false))
  let lost: Entry | undefined
  const gone = await withHold(hold, false, async () => {
    const result = await context.store.delete(current.key, current.revision)
    if (!result.ok) lost = result.current
    return result.ok ? result.entry : undefined
  })
  if (!gone) {
    if (lost) return { current: lost }
    throw missing(request)
  }
  recordWrite(context, request, options, gone)
  // The client asked for an update and gets the object as it made it, not the Status of a deletion.
  return { dryRun: object }
}
