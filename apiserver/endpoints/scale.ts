/** The /scale subresource: one shape for the replica count of every kind that has one. */
import type { LabelSelector, Scale } from '../../api/generated/types.ts'
import { invalid as invalidField } from '../../api/field-error.ts'
import type { Json, JsonObject } from '../../api/json.ts'
import { selectorFromSet, selectorToString, toSelector } from '../../api/labels.ts'
import type { KubeObject } from '../../api/object.ts'
import { applyJsonPatch } from '../../api/patch/json-patch.ts'
import { applyMergePatch } from '../../api/patch/merge-patch.ts'
import { badRequest, conflict, invalid, unsupportedMediaType } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { isRecord } from '../bodies/decode-object.ts'
import { mediaTypeOf, parseJson, readBody } from '../bodies/read-body.ts'
import { bodyResource, decodeBodyObject, readBodyObject } from '../bodies/read-body-object.ts'
import { AGE, integer, NAME } from '../resources/columns.ts'
import type { Column } from '../resources/resource.ts'
import { sendObject } from '../answers/send-object.ts'
import { readFromStorage } from '../storage-version.ts'
import { updateObject } from '../writes/update-object.ts'
import { readWriteOptions } from '../writes/write-options.ts'
import { existing } from './get.ts'

const GROUP = 'autoscaling'

const SERVED = bodyResource(GROUP, 'v1', 'Scale', 'Scale')
const columns: readonly Column<Scale>[] = [
  NAME,
  integer('Desired', 'Number of desired pods.', ({ spec }) => spec?.replicas ?? 0),
  integer('Available', 'Number of running pods.', ({ status }) => status?.replicas ?? 0),
  AGE,
]
const SCALE = { ...SERVED, definition: { ...SERVED.definition, columns: columns as never } }

const send = (context: ApiContext, request: ResourceRequest, scale: Scale): void | Promise<void> =>
  sendObject(context, { ...request, resource: SCALE }, 200, scale as KubeObject)

export async function getScale(context: ApiContext, request: ResourceRequest): Promise<void> {
  await context.store.current()
  await send(context, request, toScale(request, await readFromStorage(request.resource, existing(context, request).object())))
}

export async function updateScale(context: ApiContext, request: ResourceRequest): Promise<void> {
  const scale = await readBodyObject<Scale>(request, GROUP, 'v1', 'Scale', 'Scale')
  await store(context, request, 'UpdateOptions', () => scale)
}

export async function patchScale(context: ApiContext, request: ResourceRequest): Promise<void> {
  const type = mediaTypeOf(request.raw.headers['content-type'] ?? '')
  const patch = parseJson(await readBody(request.raw), 'error decoding patch') as Json
  await store(context, request, 'PatchOptions', (current) => {
    const patched = applyPatch(type, current as unknown as JsonObject, patch)
    if (!isRecord(patched)) throw badRequest('the patch does not leave an object')
    return decodeBodyObject<Scale>(request, patched, GROUP, 'v1', 'Scale', 'Scale')
  })
}

function applyPatch(type: string, scale: JsonObject, patch: Json): Json {
  switch (type) {
    case 'application/json-patch+json':
      return applyJsonPatch(scale, patch)
    // Scale has no lists: strategic merge and apply are plain merges of it.
    case 'application/merge-patch+json':
    case 'application/strategic-merge-patch+json':
    case 'application/apply-patch+yaml':
      return applyMergePatch(scale, patch)
    default:
      throw unsupportedMediaType([
        'application/json-patch+json',
        'application/merge-patch+json',
        'application/strategic-merge-patch+json',
      ])
  }
}

async function store(
  context: ApiContext,
  request: ResourceRequest,
  optionsKind: string,
  scaleFor: (current: Scale) => Scale,
): Promise<void> {
  const options = readWriteOptions(request, optionsKind)
  const stored = await updateObject(context, request, options, {
    compute: async (current) => {
      const object = await readFromStorage(request.resource, JSON.parse(current.bytes.toString()) as KubeObject)
      return withReplicas(request, object, scaleFor(toScale(request, structuredClone(object))))
    },
  })
  const object = 'entry' in stored ? stored.entry.object() : stored.dryRun
  await send(context, request, toScale(request, await readFromStorage(request.resource, object)))
}

function withReplicas(request: ResourceRequest, object: KubeObject, scale: Scale): KubeObject {
  const { names, scale: paths } = request.resource.definition
  const replicas = scale.spec?.replicas ?? 0
  if (replicas < 0) {
    const error = invalidField('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw invalid(GROUP, 'Scale', request.info.name, [error])
  }
  const { uid, resourceVersion } = scale.metadata ?? {}
  if (uid && uid !== object.metadata.uid)
    throw conflict(
      names.group,
      names.plural,
      object.metadata.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`,
    )
  if (resourceVersion) object.metadata.resourceVersion = resourceVersion
  const path = pathOf(paths!.specReplicas)
  const last = path.pop()!
  let at = object as unknown as Record<string, unknown>
  for (const part of path) at = (at[part] ??= {}) as Record<string, unknown>
  at[last] = replicas
  return object
}

const pathOf = (path: string): string[] => path.split('.').filter((part) => part !== '')

const valueAt = (object: unknown, path: string): unknown =>
  pathOf(path).reduce((value, part) => (isRecord(value) ? value[part] : undefined), object)

function toScale({ resource }: ResourceRequest, object: KubeObject): Scale {
  const { specReplicas, statusReplicas, selector } = resource.definition.scale!
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const text = selectorText(valueAt(object, selector))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: Number(valueAt(object, specReplicas) ?? 0) },
    status: { replicas: Number(valueAt(object, statusReplicas) ?? 0), ...(text && { selector: text }) },
  }
}

/** A label selector, ReplicationController's map, or a custom resource's string. */
function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector
  if (!isRecord(selector)) return ''
  const isLabelSelector = 'matchLabels' in selector || 'matchExpressions' in selector
  return selectorToString(
    isLabelSelector ? toSelector(selector as LabelSelector) : selectorFromSet(selector as Record<string, string>),
  )
}
