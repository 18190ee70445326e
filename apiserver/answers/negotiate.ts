/** Which form of an answer the client takes, from its Accept header: JSON or YAML, whole objects or a view of them. */
import { notAcceptable } from '../../api/status.ts'

export type ViewName = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList' | 'APIGroupDiscoveryList'

export interface Accepted {
  format: 'json' | 'yaml'
  /** A transformation asked for with `as=`; undefined for the plain object. */
  as?: ViewName | undefined
  /** Version of the transformation: `v1` or an older one. */
  asVersion?: string | undefined
}

const plainJson: Accepted = { format: 'json' }
const plainYaml: Accepted = { format: 'yaml' }
const SERVED = ['application/json', 'application/yaml']

/** A client sends the same header for ever; a few hundred different ones are more than there are clients. */
const cache = new Map<string, readonly Accepted[]>()

/**
 * The first form in the header that `views` allows; throws 406 when there is none. Order counts, not `q`, as upstream has
 * it. Protobuf is passed over: every client that asks for it takes JSON as well.
 */
export function negotiate(accept: string | undefined, views: readonly ViewName[] = []): Accepted {
  if (!accept || accept === '*/*' || accept === 'application/json') return plainJson
  let offers = cache.get(accept)
  if (!offers) {
    offers = parseAccept(accept)
    if (cache.size > 500) cache.clear()
    cache.set(accept, offers)
  }
  const chosen = offers.find(({ as, asVersion }) => as === undefined || (views.includes(as) && /^v\d/.test(asVersion ?? '')))
  if (!chosen) throw notAcceptable(SERVED)
  return chosen
}

function parseAccept(accept: string): Accepted[] {
  const offers: Accepted[] = []
  for (const clause of accept.split(',')) {
    const [media = '', ...rest] = clause.split(';').map((part) => part.trim())
    const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string | undefined]))
    const format = formatOf(media)
    if (!format) continue
    const as = parameters.get('as') as ViewName | undefined
    const group = parameters.get('g')
    if (!as) offers.push(format)
    else if (group === 'meta.k8s.io' || group === 'apidiscovery.k8s.io')
      offers.push({ ...format, as, asVersion: parameters.get('v') })
  }
  return offers
}

function formatOf(media: string): Accepted | undefined {
  switch (media) {
    case 'application/json':
    case 'application/*':
    case '*/*':
      return plainJson
    case 'application/yaml':
      return plainYaml
    default:
      return undefined
  }
}
