/** The question that an admission webhook is asked, and what its answer means: AdmissionReview v1 and v1beta1. Pure. */
import type { Status } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { ApiError } from '../../api/status.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import { isRecord } from '../bodies/decode-object.ts'
import type { ResourceVersion } from './match-webhook.ts'

const GROUP = 'admission.k8s.io'
const VERSIONS = ['v1', 'v1beta1']
const q = JSON.stringify

export interface KindVersion {
  group: string
  version: string
  kind: string
}

/** How the webhook is told of the write: its objects are in this version; what the client sent may be in another. */
export interface Told {
  resource: ResourceVersion
  kind: KindVersion
  requestResource: ResourceVersion
  requestKind: KindVersion
  options: object | undefined
  object: KubeObject | undefined
  oldObject: KubeObject | undefined
}

export interface Review {
  apiVersion: string
  kind: 'AdmissionReview'
  request: { uid: string }
}

export interface Verdict {
  allowed: boolean
  patch: unknown
  warnings: readonly string[]
  auditAnnotations: Readonly<Record<string, string>>
  result: Partial<Status> | undefined
}

/** In the first version of the webhook's list that we speak. */
export function toReview(uid: string, versions: readonly string[], attributes: AdmissionAttributes, told: Told): Review {
  const version = versions.find((one) => VERSIONS.includes(one))
  if (!version) throw new Error('webhook does not accept known AdmissionReview versions (v1, v1beta1)')
  const { user, operation, subresource, name, namespace, dryRun } = attributes
  const request = {
    uid,
    kind: told.kind,
    resource: told.resource,
    ...(subresource && { subResource: subresource }),
    requestKind: told.requestKind,
    requestResource: told.requestResource,
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: {
      username: user.username,
      ...(user.uid && { uid: user.uid }),
      groups: user.groups,
      ...(user.extra && { extra: user.extra }),
    },
    object: told.object ?? null,
    oldObject: told.oldObject ?? null,
    dryRun,
    options: told.options ?? null,
  }
  return { apiVersion: `${GROUP}/${version}`, kind: 'AdmissionReview', request }
}

/** Throws an Error in upstream's words when the answer is none to this question. */
export function readVerdict(answer: unknown, { apiVersion, request: { uid } }: Review, mutating: boolean): Verdict {
  const given = isRecord(answer) ? answer : {}
  const strict = apiVersion === `${GROUP}/v1`
  const { response } = given
  if (!isRecord(response)) throw new Error('webhook response was absent')
  if (strict) {
    if (response.uid !== uid) throw new Error(`expected response.uid=${q(uid)}, got ${q(response.uid ?? '')}`)
    const [group, version] = splitApiVersion(given.apiVersion)
    if (given.apiVersion !== apiVersion || given.kind !== 'AdmissionReview')
      throw new Error(
        `expected webhook response of ${GROUP}/v1, Kind=AdmissionReview, got ${group}/${version}, Kind=${stringOf(given.kind)}`,
      )
    checkPatch(response, mutating)
  }
  return {
    allowed: response.allowed === true,
    patch: mutating ? parsePatch(response.patch) : undefined,
    warnings: Array.isArray(response.warnings) ? response.warnings.map(String) : [],
    auditAnnotations: isRecord(response.auditAnnotations) ? (response.auditAnnotations as Record<string, string>) : {},
    result: isRecord(response.status) ? (response.status as Partial<Status>) : undefined,
  }
}

const stringOf = (value: unknown) => (typeof value === 'string' ? value : '')

function splitApiVersion(value: unknown): [string, string] {
  const text = stringOf(value)
  const slash = text.indexOf('/')
  return slash < 0 ? ['', text] : [text.slice(0, slash), text.slice(slash + 1)]
}

function checkPatch({ patch, patchType }: Record<string, unknown>, mutating: boolean): void {
  const hasPatch = typeof patch === 'string' && patch !== ''
  const hasType = patchType !== undefined && patchType !== null
  if (!mutating) {
    if (hasPatch) throw new Error('validating webhook may not return response.patch')
    if (hasType) throw new Error('validating webhook may not return response.patchType')
    return
  }
  if (hasPatch && !hasType) throw new Error('webhook returned response.patch but not response.patchType')
  if (!hasPatch && hasType) throw new Error('webhook returned response.patchType but not response.patch')
  if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""')
  if (hasType && patchType !== 'JSONPatch') throw new Error(`unsupported patch type ${q(patchType)}`)
}

/** Base64 of JSON. Undefined when there is nothing to patch. */
function parsePatch(patch: unknown): unknown {
  if (typeof patch !== 'string' || patch === '') return undefined
  const operations = JSON.parse(Buffer.from(patch, 'base64').toString()) as unknown
  return Array.isArray(operations) && operations.length === 0 ? undefined : operations
}

/** The refusal as the client gets it: the webhook's own status, with its name in front of the message. */
export function denial(name: string, result: Partial<Status> | undefined): ApiError {
  const by = `admission webhook ${q(name)} denied the request`
  const code = result?.code ?? 0
  const message = result?.message
    ? `${by}: ${result.message}`
    : result?.reason
      ? `${by}: ${result.reason}`
      : `${by} without explanation`
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    ...result,
    metadata: result?.metadata ?? {},
    status: !result?.status || result.status === 'Success' ? 'Failure' : result.status,
    message,
    code: code < 400 ? 400 : code,
  })
}
