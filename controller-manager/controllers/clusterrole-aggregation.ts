/** ClusterRole aggregation: a role with an aggregation rule holds the rules of all roles that its selectors choose. */
import type { ClusterRole, PolicyRule } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import type { Action, Controller } from '../../client/controller.ts'
import { semanticEqual } from '../semantic-equal.ts'
import { mergePatch } from '../status-patch.ts'

export const clusterRoleAggregation: Controller<'ClusterRole', ClusterRole[]> = {
  name: 'clusterrole-aggregation-controller',
  for: 'ClusterRole',
  watches: [
    {
      kind: 'ClusterRole',
      wakes: (_: ClusterRole, cache) =>
        cache
          .of('ClusterRole')
          .list()
          .filter(({ aggregationRule }) => aggregationRule)
          .map(({ metadata }) => metadata.name),
    },
  ],
  observe: ({ aggregationRule }, cache) => (aggregationRule ? cache.of('ClusterRole').list() : []),
  reconcile,
}

export function reconcile(role: ClusterRole, roles: readonly ClusterRole[]): Action[] {
  if (!role.aggregationRule || role.metadata.deletionTimestamp) return []
  const selectors = (role.aggregationRule.clusterRoleSelectors ?? []).map(toSelector)
  const rules: PolicyRule[] = []
  const sources = roles.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  for (const selector of selectors) {
    for (const source of sources) {
      if (source.metadata.name === role.metadata.name || !selector.matches(source.metadata.labels)) continue
      for (const rule of source.rules ?? []) if (!rules.some((known) => semanticEqual(known, rule))) rules.push(rule)
    }
  }
  return semanticEqual(rules, role.rules) ? [] : [mergePatch(role, { rules })]
}
