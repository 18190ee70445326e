/** Converts custom resources between versions by the webhook of their definition: ConversionReview v1 and v1beta1. */
import { randomUUID } from 'node:crypto'
import { messageOf } from '../../api/error-message.ts'
import type { WebhookConversion } from '../../api/generated/types.ts'
import { type JsonObject, isJsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { internalError } from '../../api/status.ts'
import type { WebhookClient } from './webhook-client.ts'

const GROUP = 'apiextensions.k8s.io'
const VERSIONS = ['v1', 'v1beta1']
const q = JSON.stringify

/**
 * The objects in `desiredAPIVersion`, in their order; one that is in it already is answered as it is. All others go to the
 * webhook at once. Rejects with a 500 in upstream's words when the answer is none: a webhook may change labels, annotations and
 * whatever is not metadata, and nothing else. Never changes what it is given.
 */
export async function convertObjects(
  client: WebhookClient,
  { clientConfig, conversionReviewVersions }: WebhookConversion,
  desiredAPIVersion: string,
  objects: readonly KubeObject[],
): Promise<KubeObject[]> {
  const toConvert = objects.filter(({ apiVersion }) => apiVersion !== desiredAPIVersion)
  if (toConvert.length === 0) return [...objects]
  const of = describeKind(toConvert[0]!)
  const fail = (why: string) => internalError(new Error(`conversion webhook for ${of} ${why}`))
  const version = conversionReviewVersions.find((one) => VERSIONS.includes(one))
  if (!version || !clientConfig) throw internalError(new Error('no supported conversion review versions'))
  const uid = randomUUID()
  const review = {
    apiVersion: `${GROUP}/${version}`,
    kind: 'ConversionReview',
    request: { uid, desiredAPIVersion, objects: toConvert },
  }
  let answers: unknown[]
  try {
    answers = readAnswer(await client.post(clientConfig, review), review.apiVersion, uid)
  } catch (error) {
    throw fail(`failed: ${messageOf(error).replace('failed to call webhook: ', '')}`)
  }
  if (answers.length !== toConvert.length) throw fail(`returned ${answers.length} objects, expected ${toConvert.length}`)
  const isSingle = objects.length === 1
  let next = 0
  return objects.map((original) => {
    if (original.apiVersion === desiredAPIVersion) return original
    const at = isSingle ? 'invalid object' : `invalid converted object at index ${next}`
    const complaint = check(original, answers[next], desiredAPIVersion)
    if (complaint) throw fail(`returned ${at}: ${complaint}`)
    const converted = answers[next] as JsonObject
    const metadata = restoreMetadata(original, converted)
    if (typeof metadata === 'string')
      throw fail(`returned invalid metadata${isSingle ? '' : ` in object at index ${next}`}: ${metadata}`)
    next++
    return { ...converted, metadata } as unknown as KubeObject
  })
}

const describeKind = ({ apiVersion, kind }: KubeObject) =>
  `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`

function readAnswer(answer: unknown, apiVersion: string, uid: string): unknown[] {
  const given = isJsonObject(answer) ? answer : {}
  if (apiVersion === `${GROUP}/v1` && (given.apiVersion !== apiVersion || given.kind !== 'ConversionReview')) {
    const got = `${String(given.apiVersion ?? '/')}, Kind=${String(given.kind ?? '')}`
    throw new Error(`expected webhook response of ${apiVersion}, Kind=ConversionReview, got ${got}`)
  }
  const { response } = given
  if (!isJsonObject(response)) throw new Error('no response provided')
  if (apiVersion === `${GROUP}/v1` && response.uid !== uid)
    throw new Error(`expected response.uid=${q(uid)}, got ${q(response.uid ?? '')}`)
  const result = isJsonObject(response.result) ? response.result : {}
  if (result.status !== 'Success') {
    const { message } = result
    throw new Error(
      typeof message === 'string' && message
        ? message
        : `response.result.status was '${String(result.status ?? '')}', not 'Success'`,
    )
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : []
}

/** The complaint, or undefined. */
function check(original: KubeObject, converted: unknown, desiredAPIVersion: string): string | undefined {
  if (!isJsonObject(converted)) return 'it is no object'
  const { apiVersion, kind } = converted
  if (apiVersion !== desiredAPIVersion)
    return `invalid groupVersion (expected ${desiredAPIVersion}, received ${String(apiVersion ?? '')})`
  if (kind !== original.kind) return `invalid kind (expected ${original.kind}, received ${String(kind ?? '')})`
  const metadata = isJsonObject(converted.metadata) ? converted.metadata : {}
  for (const [member, what] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [before, after] = [original.metadata[member] ?? '', metadata[member] ?? '']
    if (before !== after) return `must have the same ${what}: ${before} != ${String(after)}`
  }
  return undefined
}

/** The original's, with labels and annotations of the converted object. Answers a complaint when those are none. */
function restoreMetadata({ metadata }: KubeObject, converted: JsonObject): KubeObject['metadata'] | string {
  if (converted.metadata === undefined) return 'missing metadata in converted object'
  if (!isJsonObject(converted.metadata)) return 'invalid metadata in converted object'
  const { labels: _labels, annotations: _annotations, ...rest } = metadata
  const restored: KubeObject['metadata'] = rest
  for (const member of ['labels', 'annotations'] as const) {
    const given = converted.metadata[member]
    if (given === undefined || given === null) continue
    if (!isJsonObject(given)) return `invalid metadata.${member} in converted object`
    const wrong = Object.entries(given).find(([, value]) => typeof value !== 'string')
    if (wrong) return `metadata.${member}.${wrong[0]}: Invalid value: ${q(wrong[1])}: must be a string`
    restored[member] = given as Record<string, string>
  }
  return restored
}
