/**
 * Versions that upstream served until after v1.20 and that clients of that time have no newer to ask for: one line a version.
 * They are served beside today's and never preferred, stored as today's, and not published in OpenAPI.
 */
import type { Endpoint, EndpointSlice, LabelSelector, PodDisruptionBudget } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ResourceDefinition } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

interface Conversion {
  toStorage: (object: KubeObject) => KubeObject
  fromStorage: (object: KubeObject) => KubeObject
}

interface OlderVersion {
  version: string
  /** The releases of upstream that first warned, and that served it no more. */
  deprecated: string
  removed: string
  /** Where its shape is not that of the stored version. */
  model?: string
  conversion?: Conversion
}

/** By `<group>/<resource>`. */
const OLDER_VERSIONS: Readonly<Record<string, OlderVersion>> = {
  'autoscaling/horizontalpodautoscalers': { version: 'v2beta2', deprecated: '1.23', removed: '1.26' },
  'batch/cronjobs': { version: 'v1beta1', deprecated: '1.21', removed: '1.25' },
  'discovery.k8s.io/endpointslices': {
    version: 'v1beta1',
    deprecated: '1.21',
    removed: '1.25',
    model: 'V1beta1EndpointSlice',
    conversion: { toStorage: fromTopology, fromStorage: toTopology },
  },
  'policy/poddisruptionbudgets': {
    version: 'v1beta1',
    deprecated: '1.21',
    removed: '1.25',
    conversion: {
      toStorage: (object) => withSelector(object, NOTHING_BEFORE_V1, NOTHING, EVERYTHING_BEFORE_V1, EVERYTHING),
      fromStorage: (object) => withSelector(object, NOTHING, NOTHING_BEFORE_V1, EVERYTHING, EVERYTHING_BEFORE_V1),
    },
  },
}

/** The definition with the older version that its resource has, if it has one. */
export function withOlderVersion(definition: ResourceDefinition): ResourceDefinition {
  const { names, models } = definition
  const { group, plural, kind, versions, storageVersion } = names
  const older = OLDER_VERSIONS[`${group}/${plural}`]
  if (!older) return definition
  const { version, deprecated, removed, model = models[storageVersion]!, conversion } = older
  const warning = `${group}/${version} ${kind} is deprecated in v${deprecated}+, unavailable in v${removed}+; use ${group}/${versions[0]} ${kind}`
  return {
    ...definition,
    names: { ...names, versions: [...versions, version] },
    models: { ...models, [version]: model },
    olderVersions: [version],
    deprecations: { ...definition.deprecations, [version]: warning },
    ...(conversion && { conversions: { ...definition.conversions, [version]: conversion } }),
  }
}

const ZONE = 'topology.kubernetes.io/zone'
const HOSTNAME = 'kubernetes.io/hostname'

/** Before v1 an endpoint said by labels where it is. */
interface EndpointWithTopology extends Omit<Endpoint, 'zone' | 'deprecatedTopology'> {
  topology?: Record<string, string>
}

/** What v1 has a field for leaves the labels; a host that is not the node stays one. */
function fromTopology(object: KubeObject): KubeObject {
  const slice = object as KubeObject & { endpoints?: EndpointWithTopology[] }
  const endpoints = slice.endpoints?.map(({ topology, ...endpoint }): Endpoint => {
    if (!topology) return endpoint
    const { [ZONE]: zone, ...labels } = topology
    if (endpoint.nodeName !== undefined && labels[HOSTNAME] === endpoint.nodeName) delete labels[HOSTNAME]
    return {
      ...endpoint,
      ...(zone !== undefined && { zone }),
      ...(Object.keys(labels).length > 0 && { deprecatedTopology: labels }),
    }
  })
  return { ...slice, ...(endpoints && { endpoints }) } as KubeObject
}

function toTopology(object: KubeObject): KubeObject {
  const slice = object as EndpointSlice
  const endpoints = slice.endpoints?.map(({ zone, deprecatedTopology, ...endpoint }): EndpointWithTopology => {
    const { nodeName } = endpoint
    const topology = {
      ...(nodeName !== undefined && { [HOSTNAME]: nodeName }),
      ...deprecatedTopology,
      ...(zone !== undefined && { [ZONE]: zone }),
    }
    return Object.keys(topology).length > 0 ? { ...endpoint, topology } : endpoint
  })
  return { ...slice, ...(endpoints && { endpoints }) } as KubeObject
}

/** An empty selector meant no pod before policy/v1, and means every pod since: upstream marks the other meaning by this key. */
const MARK = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
const NOTHING_BEFORE_V1: LabelSelector = {}
const EVERYTHING: LabelSelector = {}
const NOTHING: LabelSelector = { matchExpressions: [{ key: MARK, operator: 'Exists' }] }
const EVERYTHING_BEFORE_V1: LabelSelector = { matchExpressions: [{ key: MARK, operator: 'DoesNotExist' }] }

/** The budget with its selector said otherwise, where it is one of the two that are. Pairs of from and to. */
function withSelector(object: KubeObject, ...pairs: LabelSelector[]): KubeObject {
  const budget = object as PodDisruptionBudget
  const selector = budget.spec?.selector
  for (let i = 0; selector && i + 1 < pairs.length; i += 2)
    if (sameJson(selector, pairs[i])) return { ...budget, spec: { ...budget.spec, selector: pairs[i + 1] } } as KubeObject
  return object
}
