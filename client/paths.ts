/** The URL paths of the API, as pure functions of what is asked for. */
import { kindInfo, type KindName } from '../api/kinds.ts'

/** `/api/v1/namespaces/default/pods/web/status`. Without a name it is the collection; without a namespace, all of them. */
export function resourcePath(
  kind: KindName,
  {
    namespace,
    name,
    subresource,
  }: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined } = {},
): string {
  const { group, versions, plural, namespaced } = kindInfo(kind)
  const root = group ? `/apis/${group}/${versions[0]}` : `/api/${versions[0]}`
  const scope = namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const item = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `${root}${scope}/${plural}${item}${subresource ? `/${subresource}` : ''}`
}

export function withQuery(path: string, query: Record<string, string | number | boolean | undefined>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  if (pairs.length === 0) return path
  return `${path}?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`
}
