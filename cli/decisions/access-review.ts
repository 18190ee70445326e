/** Questions about what one may do, and the answers as tables. Pure. */
import type { JsonObject } from '../../api/json.ts'
import { alignTabs } from '../printers/tabwriter.ts'

export interface RulesStatus {
  resourceRules: { verbs: string[]; apiGroups?: string[]; resources?: string[]; resourceNames?: string[] }[]
  nonResourceRules: { verbs: string[]; nonResourceURLs?: string[] }[]
}

interface Row {
  group: string
  resource: string
  urls: string[]
  names: string[]
  verbs: string[]
}

/** A row a resource and a row a path, those of the same meaning joined, in kubectl's order. */
export function rulesTable({ resourceRules, nonResourceRules }: RulesStatus, headers: boolean): string {
  const resourceRows = resourceRules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) =>
    apiGroups.flatMap((group) => resources.map((resource): Row => ({ group, resource, urls: [], names: resourceNames, verbs }))),
  )
  const urlRows = nonResourceRules.flatMap(({ verbs, nonResourceURLs = [] }) =>
    nonResourceURLs.map((url): Row => ({ group: '', resource: '', urls: [url], names: [], verbs })),
  )
  const rows = [...joinVerbs(resourceRows), ...urlRows].toSorted((a, b) =>
    sortKey(a) < sortKey(b) ? -1 : Number(sortKey(a) > sortKey(b)),
  )
  const cells = rows.map(({ group, resource, urls, names, verbs }) => [
    group ? `${resource}.${group}` : resource,
    ...[urls, names, verbs].map(listText),
  ])
  const lines = headers ? [['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs'], ...cells] : cells
  return alignTabs(lines.map((line) => line.join('\t')).join('\n'), { minimumWidth: 6, padding: 3 })
}

const listText = (texts: readonly string[]) => `[${texts.join(' ')}]`

/** kubectl orders rules by how Go prints them. */
const sortKey = ({ verbs, group, resource, names, urls }: Row): string =>
  [verbs, urls.length > 0 ? [] : [group], resource ? [resource] : [], names, urls].map(listText).join(',')

function joinVerbs(rows: readonly Row[]): Row[] {
  const byKey = new Map<string, Row>()
  for (const row of rows) {
    const key = JSON.stringify([row.group, row.resource, row.names])
    const known = byKey.get(key)
    byKey.set(key, known ? { ...known, verbs: [...new Set([...known.verbs, ...row.verbs])] } : row)
  }
  return [...byKey.values()]
}

/** `Username  jane`, `Groups  [a b]`, a line for each extra. */
export function whoamiTable({ username, uid, groups, extra }: UserInfo): string {
  const rows: [string, string][] = [
    ['ATTRIBUTE', 'VALUE'],
    ...(username ? [['Username', username] as [string, string]] : []),
    ...(uid ? [['UID', uid] as [string, string]] : []),
    ...(groups?.length ? [['Groups', `[${groups.join(' ')}]`] as [string, string]] : []),
    ...Object.entries(extra ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, values]): [string, string] => [`Extra: ${key}`, `[${values.join(' ')}]`]),
  ]
  return alignTabs(rows.map((cells) => cells.join('\t')).join('\n'), { minimumWidth: 6, padding: 3 })
}

export interface UserInfo {
  username?: string
  uid?: string
  groups?: string[]
  extra?: Record<string, string[]>
}

export const reviewObject = (kind: string, spec: JsonObject): JsonObject => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind,
  spec,
})
