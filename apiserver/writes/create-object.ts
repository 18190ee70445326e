/** Stores a new object: default, admit, prepare, validate, hold what must be unique, write. Shared by POST, PUT and apply. */
import { randomUUID } from 'node:crypto'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { ApiError, alreadyExists, badRequest, generateNameConflict } from '../../api/status.ts'
import { admissionAttributes, createAdmission } from '../admission/admission-chain.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import type { UserInfo } from '../auth/user.ts'
import { recordManagerOfStored } from './field-managers.ts'
import { generateName } from './generate-name.ts'
import { invalidPathSegment } from '../requests/request-info.ts'
import { keyFor } from '../served-resources.ts'
import { toStorageVersion, toWritten } from '../storage-version.ts'
import type { Entry } from '../storage/store.ts'
import type { WriteOptions } from './write-options.ts'
import { recordWrite, throwIfInvalid, toSeconds, withHold, writeContext } from './write-steps.ts'

/** Upstream tries so often to find a free name before it gives up. */
const NAME_ATTEMPTS = 8

export type Stored = { entry: Entry } | { dryRun: KubeObject }

/** `decoded` is in the served version and belongs to this call. */
export async function createObject(
  context: ApiContext,
  request: ResourceRequest,
  decoded: KubeObject,
  options: WriteOptions,
  /** The object carries its managedFields already (server-side apply). */
  tracked = false,
): Promise<Stored> {
  const { definition } = request.resource
  placeObject(request, decoded)
  const object = toStorageVersion(request.resource, decoded)
  definition.setDefaults?.(object)
  if (!tracked) recordManagerOfStored(request, object, undefined, options, context.now())
  const admission = createAdmission(context, admissionAttributes(request, 'CREATE', options.dryRun, object, undefined))
  await admission.admit()

  const base = object.metadata.generateName
  const generated = !object.metadata.name && !!base
  for (let attempt = 1; ; attempt++) {
    if (generated) object.metadata.name = generateName(base)
    // The first attempt does all; further ones have only another name.
    if (attempt === 1) {
      prepare(context, request, object)
      await admission.validate()
      request.warnings.push(...(definition.warnings?.(object) ?? []))
    }
    const stored = await store(context, request, object, options)
    if (stored) return stored
    const { group, plural } = definition.names
    if (!generated) throw alreadyExists(group, plural, object.metadata.name)
    if (attempt === NAME_ATTEMPTS) throw generateNameConflict(group, plural, object.metadata.name)
  }
}

/** The path decides the namespace, and the name where it has one. */
function placeObject({ info, resource }: ResourceRequest, { metadata }: KubeObject): void {
  const { namespaced } = resource.definition.names
  if (metadata.resourceVersion && metadata.resourceVersion !== '0') throw resourceVersionOnCreate()
  if (!namespaced) delete metadata.namespace
  else {
    if (info.namespace === '') throw badRequest('an empty namespace may not be set during creation')
    const complaint = invalidPathSegment(info.namespace)
    if (complaint) throw badRequest(`Namespace parameter invalid: ${JSON.stringify(info.namespace)}: ${complaint}`)
    if (!metadata.namespace) metadata.namespace = info.namespace
    else if (metadata.namespace !== info.namespace)
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  if (info.pathName && !metadata.name) metadata.name = info.pathName
  else if (info.pathName && metadata.name !== info.pathName)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${info.pathName})`)
}

const resourceVersionOnCreate = () =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'resourceVersion should not be set on objects to be created',
    code: 500,
  })

function prepare(context: ApiContext, { resource, user }: ResourceRequest, object: KubeObject): void {
  const { definition } = resource
  const { metadata } = object
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  delete metadata.resourceVersion
  delete metadata.generation
  metadata.uid = randomUUID()
  metadata.creationTimestamp = toSeconds(context.now())
  if (definition.generationChanges) metadata.generation = 1
  definition.prepareForCreate?.(object)
  if (definition.names.plural === 'certificatesigningrequests') signRequest(object as CertificateSigningRequest, user)
  throwIfInvalid(definition, object, definition.validate?.(object) ?? [])
  throwIfInvalid(definition, object, definition.validateCreate?.(object) ?? [])
}

/** Whoever signs it must know who asked: what the client says of that counts for nothing. */
function signRequest({ spec }: CertificateSigningRequest, { username, uid, groups, extra }: UserInfo): void {
  spec.username = username
  spec.uid = uid
  spec.groups = [...groups]
  spec.extra = extra && Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))
}

/** Undefined when the name is taken. */
async function store(
  context: ApiContext,
  request: ResourceRequest,
  object: KubeObject,
  options: WriteOptions,
): Promise<Stored | undefined> {
  const { definition, prefix } = request.resource
  const key = keyFor(prefix, object.metadata.namespace ?? '', object.metadata.name)
  const hold = await definition.beforeStore?.(object, undefined, writeContext(context, options.dryRun))
  return withHold(hold, options.dryRun, async () => {
    if (options.dryRun) return context.store.get(key) ? undefined : { dryRun: object }
    const { ttlSeconds } = definition
    const result = await context.store.create(
      key,
      await toWritten(request.resource, object),
      ttlSeconds === undefined ? {} : { ttlSeconds },
    )
    if (!result.ok) return undefined
    recordWrite(context, request, options, result.entry)
    return { entry: result.entry }
  })
}
