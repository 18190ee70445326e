/** Which form of an answer the client takes, from its Accept header: JSON, YAML or protobuf, whole objects or a view of them. */
import { notAcceptable } from '../../api/status.ts'
import { messageName } from '../protobuf/message-fields.ts'
import type { ServedResource } from '../served-resources.ts'

export type ViewName = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | 'APIGroupDiscoveryList'

export type Format = 'json' | 'yaml' | 'protobuf'

export interface Accepted {
  format: Format
  /** A transformation asked for with `as=`; undefined for the plain object. */
  as?: ViewName | undefined
  /** Version of the transformation: `v1` or an older one. */
  asVersion?: string | undefined
}

const plainJson: Accepted = { format: 'json' }
const plainYaml: Accepted = { format: 'yaml' }
const plainProtobuf: Accepted = { format: 'protobuf' }
const SERVED = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const STREAMS = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']

/** A client sends the same header for ever; a few hundred different ones are more than there are clients. */
const cache = new Map<string, readonly Accepted[]>()

/**
 * The first form in the header that `views` and the resource allow; throws 406 when there is none. Order counts, not `q`, as
 * upstream has it. A client that takes protobuf and JSON gets JSON, which is there already (docs/adr/0014).
 */
export function negotiate(accept: string | undefined, views: readonly ViewName[] = [], resource?: ServedResource): Accepted {
  if (!accept || accept === '*/*' || accept === 'application/json') return plainJson
  const chosen = offersOf(accept).find((offer) => isServed(offer, views, resource))
  if (!chosen) throw notAcceptable(SERVED)
  return chosen
}

/** As `negotiate`, for a watch: YAML has no frames. */
export function negotiateStream(accept: string | undefined, views: readonly ViewName[], resource: ServedResource): Accepted {
  const chosen = offersOf(accept ?? '*/*').find((offer) => offer.format !== 'yaml' && isServed(offer, views, resource))
  if (!chosen) throw notAcceptable(STREAMS)
  return chosen
}

/** Of answers that have one form and no view, such as errors. */
export function takesOnlyProtobuf(accept: string | undefined): boolean {
  if (!accept || accept === '*/*' || accept === 'application/json') return false
  const offers = offersOf(accept)
  return offers.length > 0 && offers.every(({ format }) => format === 'protobuf')
}

function offersOf(accept: string): readonly Accepted[] {
  let offers = cache.get(accept)
  if (!offers) {
    offers = parseAccept(accept)
    if (cache.size > 500) cache.clear()
    cache.set(accept, offers)
  }
  return offers
}

function isServed(
  { format, as, asVersion }: Accepted,
  views: readonly ViewName[],
  resource: ServedResource | undefined,
): boolean {
  if (as !== undefined) {
    // As upstream: the cells of a table are anything, and protobuf has no such type.
    const isMetadata = as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList'
    return views.includes(as) && /^v\d/.test(asVersion ?? '') && (format !== 'protobuf' || isMetadata)
  }
  return format !== 'protobuf' || !resource || messageName(resource.apiVersion, resource.definition.names.kind) !== undefined
}

function parseAccept(accept: string): Accepted[] {
  const offers: Accepted[] = []
  for (const clause of accept.split(',')) {
    const [media = '', ...rest] = clause.split(';').map((part) => part.trim())
    const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string | undefined]))
    const form = formOf(media)
    if (!form) continue
    const as = parameters.get('as') as ViewName | undefined
    const group = parameters.get('g')
    if (!as) offers.push(form)
    else if (group === 'meta.k8s.io' || group === 'apidiscovery.k8s.io')
      offers.push({ ...form, as, asVersion: parameters.get('v') })
  }
  return offers.map((offer) => (offer.format === 'protobuf' ? (inText(offer, offers) ?? offer) : offer))
}

/** The same view in JSON or YAML, if the client takes that as well. */
const inText = ({ as, asVersion }: Accepted, offers: readonly Accepted[]): Accepted | undefined =>
  offers.find((offer) => offer.format !== 'protobuf' && offer.as === as && offer.asVersion === asVersion)

function formOf(media: string): Accepted | undefined {
  switch (media) {
    case 'application/json':
    case 'application/*':
    case '*/*':
      return plainJson
    case 'application/yaml':
      return plainYaml
    case 'application/vnd.kubernetes.protobuf':
      return plainProtobuf
    default:
      return undefined
  }
}
