/** A quota: what of each resource is used, and how much may be. */
import type { ResourceQuota } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { Page } from './page.ts'

const SCOPES: Readonly<Record<string, string>> = {
  Terminating:
    'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating:
    'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort: 'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort:
    'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
}

export const resourceQuotaDescriber: Describer<ResourceQuota> = {
  kind: 'ResourceQuota',
  group: '',
  describe(quota) {
    const page = new Page()
    page.line(0, 'Name:', quota.metadata.name)
    page.line(0, 'Namespace:', quota.metadata.namespace)
    describeScopes(page, 0, ' * ', quota)
    page.line(0, 'Resource', 'Used', 'Hard').line(0, '--------', '----', '----')
    describeUse(page, 0, quota)
    return page.toString()
  },
}

/** As a part of the namespace's page. */
export function describeQuotaIn(page: Page, quota: ResourceQuota): void {
  page.line(1, 'Name:', quota.metadata.name)
  describeScopes(page, 1, '* ', quota)
  page.line(1, 'Resource', 'Used', 'Hard').line(1, '--------', '---', '---')
  describeUse(page, 1, quota)
}

function describeScopes(page: Page, level: number, bullet: string, { spec }: ResourceQuota): void {
  const scopes = (spec?.scopes ?? []).toSorted()
  if (scopes.length > 0) page.line(level, 'Scopes:', scopes.join(', '))
  for (const scope of scopes) if (SCOPES[scope]) page.line(level, bullet + SCOPES[scope])
}

function describeUse(page: Page, level: number, { status: { hard = {}, used = {} } = {} }: ResourceQuota): void {
  for (const resource of Object.keys(hard).toSorted()) page.line(level, resource, used[resource] ?? '0', hard[resource])
}
