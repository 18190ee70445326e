/** Roles, one line a resource, and who is bound to them; in a namespace or in the whole cluster. */
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { Page } from './page.ts'

export const roleDescriber: Describer<Role> = { kind: 'Role', group: 'rbac.authorization.k8s.io', describe: describeRole }

export const clusterRoleDescriber: Describer<ClusterRole> = { ...roleDescriber, kind: 'ClusterRole', describe: describeRole }

function describeRole({ metadata, rules }: Role | ClusterRole): string {
  const page = new Page()
  page.line(0, 'Name:', metadata.name)
  page.pairs(0, 'Labels', metadata.labels)
  page.annotations(0, metadata.annotations)
  page.line(0, 'PolicyRule:')
  page.line(1, 'Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs')
  page.line(1, '---------', '-----------------', '--------------', '-----')
  for (const { resource, urls, names, verbs } of compactRules(rules ?? []))
    page.line(1, resource, list(urls), list(names), list(verbs))
  return page.toString()
}

const list = (items: readonly string[]): string => `[${items.join(' ')}]`

/** At most one resource and one name, or one URL: a line of the page. */
interface Line {
  /** What kubectl sorts the lines by: Go's text of the rule. */
  order: string
  resource: string
  urls: string[]
  names: string[]
  verbs: string[]
}

/** The verbs of all rules about the same resource and name come together; those about URLs stay one verb a line. */
function compactRules(rules: readonly PolicyRule[]): Line[] {
  const byResource = new Map<string, { group: string; resource: string; names: string[]; verbs: Set<string> }>()
  for (const { apiGroups = [], resources = [], resourceNames = [], verbs } of rules) {
    for (const group of apiGroups) {
      for (const resource of resources) {
        for (const names of resourceNames.length > 0 ? resourceNames.map((name) => [name]) : [[]]) {
          const key = JSON.stringify([group, resource, names])
          const line = byResource.get(key) ?? { group, resource, names, verbs: new Set() }
          for (const verb of verbs) line.verbs.add(verb)
          if (line.verbs.size > 0) byResource.set(key, line)
        }
      }
    }
  }
  const ofResources = [...byResource.values()].map(({ group, resource, names, verbs }) => ({
    order: orderOf([...verbs], [group], [resource], names, []),
    resource: inGroup(resource, group),
    urls: [],
    names,
    verbs: [...verbs],
  }))
  const ofUrls = rules.flatMap(({ nonResourceURLs = [], verbs }) =>
    nonResourceURLs.flatMap((url) =>
      verbs.map((verb) => ({ order: orderOf([verb], [], [], [], [url]), resource: '', urls: [url], names: [], verbs: [verb] })),
    ),
  )
  return [...ofUrls, ...ofResources].toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
}

const orderOf = (verbs: string[], groups: string[], resources: string[], names: string[], urls: string[]): string =>
  `Verbs:${list(verbs)},APIGroups:${list(groups)},Resources:${list(resources)},ResourceNames:${list(names)},NonResourceURLs:${list(urls)}`

/** `deployments.apps/scale` */
function inGroup(resource: string, group: string): string {
  const [name, ...subresource] = resource.split('/')
  return [group ? `${name}.${group}` : name, ...subresource].join('/')
}

export const roleBindingDescriber: Describer<RoleBinding> = {
  kind: 'RoleBinding',
  group: 'rbac.authorization.k8s.io',
  describe: describeBinding,
}

export const clusterRoleBindingDescriber: Describer<ClusterRoleBinding> = {
  ...roleBindingDescriber,
  kind: 'ClusterRoleBinding',
  describe: describeBinding,
}

function describeBinding({ metadata, roleRef, subjects }: RoleBinding | ClusterRoleBinding): string {
  const page = new Page()
  page.line(0, 'Name:', metadata.name)
  page.pairs(0, 'Labels', metadata.labels)
  page.annotations(0, metadata.annotations)
  page.line(0, 'Role:').line(1, 'Kind:', roleRef.kind).line(1, 'Name:', roleRef.name)
  page.line(0, 'Subjects:').line(1, 'Kind', 'Name', 'Namespace').line(1, '----', '----', '---------')
  for (const { kind, name, namespace } of subjects ?? []) page.line(1, kind, name, namespace)
  return page.toString()
}
