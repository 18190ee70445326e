/** What a request is about in the versions that webhooks ask for: the objects to and from them. */
import type { Json } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { decode } from '../../api/schema/decode.ts'
import { internalError } from '../../api/status.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import { decodeObject } from '../bodies/decode-object.ts'
import type { ServedResource, ServedResources } from '../served-resources.ts'
import { readFromStorage, toStorageVersion } from '../storage-version.ts'
import { findSubresource } from '../subresources.ts'
import { connectObject, optionsOf } from './admission-options.ts'
import type { KindVersion, Told } from './admission-review.ts'
import type { ResourceVersion } from './match-webhook.ts'

/** A write as the client asked for it. */
export interface Requested {
  attributes: AdmissionAttributes
  resource: ResourceVersion
  served: ServedResource | undefined
  kind: KindVersion
  /** The bodies are of a kind of their own (Binding, Eviction), which has one version: no webhook sees them in another. */
  ownKind: boolean
  options: object | undefined
}

export function describeRequest(resources: ServedResources, attributes: AdmissionAttributes): Requested {
  const { group, resource: plural, subresource, kind, asked, version } = attributes
  const served = asked?.resource ?? resources.find(group, version, plural)
  const sub = served && subresource ? findSubresource(served.definition, subresource) : undefined
  const requestVersion = served?.version ?? version
  const body = attributes.object ?? attributes.oldObject
  // The eviction's own deletion, and whatever else writes the object itself below a subresource.
  const ownKind = sub?.kind !== undefined && body?.kind !== served?.definition.names.kind
  return {
    attributes,
    served,
    resource: { group, version: requestVersion, resource: plural },
    kind: ownKind
      ? { group: sub.group ?? group, version: sub.version ?? requestVersion, kind: sub.kind! }
      : { group, version: requestVersion, kind: served?.definition.names.kind ?? kind },
    ownKind,
    options: optionsOf(attributes),
  }
}

/** Every version of every group that serves the same stored objects, but for the one asked for. */
export function equivalentsOf(resources: ServedResources, asked: ResourceVersion): ResourceVersion[] {
  const prefix = resources.find(asked.group, asked.version, asked.resource)?.prefix
  if (prefix === undefined) return []
  const found: ResourceVersion[] = []
  for (const [group, definitions] of resources.groups())
    for (const { names } of definitions) {
      if (names.plural !== asked.resource) continue
      for (const version of names.versions) {
        if (group === asked.group && version === asked.version) continue
        if (resources.find(group, version, names.plural)?.prefix === prefix)
          found.push({ group, version, resource: names.plural })
      }
    }
  return found
}

export async function tell(resources: ServedResources, request: Requested, as: ResourceVersion): Promise<Told> {
  const { attributes, resource, kind, ownKind, served, options } = request
  const target = as === resource ? served : resources.find(as.group, as.version, as.resource)
  if (!target) throw internalError(new Error(`unable to convert to ${as.group}/${as.version}: unknown kind`))
  const convert = async (object: KubeObject | undefined) => object && (ownKind ? object : readFromStorage(target, object))
  const object =
    attributes.operation === 'CONNECT' && attributes.asked
      ? connectObject(kind.kind, attributes.asked.info)
      : await convert(attributes.object)
  return {
    resource: as,
    kind: ownKind ? kind : { group: as.group, version: as.version, kind: target.definition.names.kind },
    requestResource: resource,
    requestKind: kind,
    options,
    object,
    oldObject: await convert(attributes.oldObject),
  }
}

/** The kinds of bodies of subresources, by the names of their models. */
const MODELS: Record<string, string> = { Binding: 'Binding', Eviction: 'Eviction', TokenRequest: 'AuthenticationTokenRequest' }

/** What a webhook made of the object, checked and completed like what a client sends, in the version that is stored. */
export async function untell(
  resources: ServedResources,
  request: Requested,
  as: ResourceVersion,
  patched: Json,
): Promise<KubeObject> {
  const { ownKind, kind, resource, served } = request
  // Copies in a patch may share parts, and nobody may change two places at once.
  const value = JSON.parse(JSON.stringify(patched)) as Record<string, unknown>
  try {
    if (ownKind) {
      const model = MODELS[kind.kind]
      return model ? decode<KubeObject>(model, value).object : (value as unknown as KubeObject)
    }
    const target = as === resource ? served! : resources.find(as.group, as.version, as.resource)!
    const object = toStorageVersion(target, decodeObject({ resource: target, warnings: [] }, value, 'Ignore'))
    target.definition.setDefaults?.(object)
    // Where a webhook converts, the object is in the version of the request until it is written.
    return target !== served && served?.definition.convert ? await readFromStorage(served, object) : object
  } catch (error) {
    throw internalError(error)
  }
}
