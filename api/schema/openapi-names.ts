/** The names that OpenAPI documents give to models: `io.k8s.api.apps.v1.Deployment`. Generators and `explain` know them by these. */
import { KINDS } from '../kinds.ts'
import { hasModel, modelNameOf, modelOf, type FieldSchema } from './models.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const META_MODELS = new Set([
  'APIGroup',
  'APIGroupList',
  'APIResource',
  'APIResourceList',
  'APIVersions',
  'Condition',
  'DeleteOptions',
  'FieldSelectorRequirement',
  'GroupVersionForDiscovery',
  'LabelSelector',
  'LabelSelectorRequirement',
  'ListMeta',
  'ManagedFieldsEntry',
  'ObjectMeta',
  'OwnerReference',
  'Preconditions',
  'ServerAddressByClientCIDR',
  'ShardInfo',
  'Status',
  'StatusCause',
  'StatusDetails',
  'WatchEvent',
])

/** Kinds that are no resources of their own, but bodies of subresources and reviews. */
export const BODY_KINDS: readonly { group: string; version: string; kind: string; model: string }[] = [
  { group: '', version: 'v1', kind: 'Binding', model: 'Binding' },
  { group: 'autoscaling', version: 'v1', kind: 'Scale', model: 'Scale' },
  { group: 'policy', version: 'v1', kind: 'Eviction', model: 'Eviction' },
  { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', model: 'AuthenticationTokenRequest' },
  { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenReview', model: 'TokenReview' },
  { group: 'authentication.k8s.io', version: 'v1', kind: 'SelfSubjectReview', model: 'SelfSubjectReview' },
  { group: 'authorization.k8s.io', version: 'v1', kind: 'SubjectAccessReview', model: 'SubjectAccessReview' },
  { group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectAccessReview', model: 'SelfSubjectAccessReview' },
  { group: 'authorization.k8s.io', version: 'v1', kind: 'LocalSubjectAccessReview', model: 'LocalSubjectAccessReview' },
  { group: 'authorization.k8s.io', version: 'v1', kind: 'SelfSubjectRulesReview', model: 'SelfSubjectRulesReview' },
  { group: 'events.k8s.io', version: 'v1', kind: 'Event', model: 'EventsEvent' },
]

function packageOf(group: string, version: string): string {
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`
  if (group === 'apiregistration.k8s.io') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}`
  return `io.k8s.api.${(group || 'core').replace(/\..*/, '')}.${version}`
}

const PREFIXES =
  /^(?:V\d+(?:(?:alpha|beta)\d+)?(?=[A-Z])|Core(?=E|R)|Events(?=E)|Discovery(?=E)|Rbac|Flowcontrol|Storage(?=T)|Authentication|Apiextensions|Apiregistration|Admissionregistration|Resource(?=ResourceClaim$))/
/** What Go calls the type. */
const goTypeName = (model: string): string => model.replace(PREFIXES, '')

/**
 * Every model belongs to the package of the group that first uses it: groups only use models of the core group and their own,
 * so that walking from the kinds, core first, finds the package of each.
 */
function assignPackages(): Map<string, string> {
  const packages = new Map<string, string>([...META_MODELS].map((model) => [model, META]))
  const visit = (model: string, home: string): void => {
    if (packages.has(model) || !hasModel(model)) return
    packages.set(model, home)
    for (const field of Object.values(modelOf(model).fields)) for (const ref of refsOf(field)) visit(ref, home)
  }
  const roots = [
    ...KINDS.flatMap((info) => info.versions.map((version) => ({ ...info, version, model: modelNameOf(info, version) }))),
    ...BODY_KINDS,
  ].toSorted((a, b) => Number(a.group !== '') - Number(b.group !== ''))
  for (const { group, version, model } of roots) {
    visit(model, packageOf(group, version))
    visit(`${model}List`, packageOf(group, version))
    visit(listModelOf(model), packageOf(group, version))
  }
  return packages
}

/** `ResourceResourceClaim` is listed by `ResourceClaimList`. */
export const listModelOf = (model: string): string => (hasModel(`${model}List`) ? `${model}List` : `${goTypeName(model)}List`)

export const refsOf = (field: FieldSchema): string[] =>
  [field.ref, ...(field.items ? refsOf(field.items) : []), ...(field.values ? refsOf(field.values) : [])].filter(
    (ref) => ref !== undefined,
  )

let packages: Map<string, string> | undefined

export function definitionName(model: string): string {
  packages ??= assignPackages()
  return `${packages.get(model) ?? META}.${goTypeName(model)}`
}

/** `stable.example.com/v1 CronTab` is `com.example.stable.v1.CronTab`. */
export const customDefinitionName = (group: string, version: string, kind: string): string =>
  [...group.split('.').toReversed(), version, kind].join('.')
