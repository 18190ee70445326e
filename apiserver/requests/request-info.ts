/** What a request is about, read off its method and path: the Kubernetes URL scheme, parsed once for every endpoint. */
import { badRequest } from '../../api/status.ts'

export interface RequestInfo {
  isResource: boolean
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the HTTP method in lower case. */
  verb: string
  path: string
  query: URLSearchParams
  group: string
  version: string
  /** Plural name; empty for a non-resource URL. */
  resource: string
  subresource: string
  namespace: string
  /** In the path, or the only one that a list or watch is narrowed to by `fieldSelector=metadata.name=x`. */
  name: string
  /** The name as the path has it: empty for a collection. */
  pathName: string
  /** What follows the subresource: the path to proxy to. Not decoded. */
  rest: string
}

const verbs: Record<string, string> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

const namespaceSubresources = new Set(['status', 'finalize'])
const noQuery = new URLSearchParams()

/** Throws 400 on a path that cannot be decoded. */
export function parseRequestInfo(method: string, url: string): RequestInfo {
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  const query = question < 0 || question === url.length - 1 ? noQuery : new URLSearchParams(url.slice(question + 1))
  const info: RequestInfo = {
    isResource: false,
    verb: method.toLowerCase(),
    path: path.includes('%') ? decode(path) : path,
    query,
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    pathName: '',
    rest: '',
  }
  const parts = splitPath(path)
  const prefix = parts[0]
  // `/api/v1/pods` has three parts, `/apis/apps/v1/deployments` four; anything shorter is discovery.
  const first = prefix === 'api' ? 2 : prefix === 'apis' ? 3 : -1
  if (first < 0 || parts.length <= first) return info

  info.isResource = true
  info.group = prefix === 'api' ? '' : parts[1]!
  info.version = parts[first - 1]!
  const at = parts[first] === 'watch' ? first + 1 : first
  info.verb = at === first ? (verbs[method] ?? '') : 'watch'
  if (parts.length <= at) throw badRequest(`unable to determine kind and namespace from url, ${url}`)
  fillParts(info, parts, at)
  nameTheCollectionVerb(info)
  return info
}

/** Empty segments at both ends are no parts; one in the middle is, as in upstream. */
function splitPath(path: string): string[] {
  let start = 0
  let end = path.length
  while (start < end && path.charCodeAt(start) === 47) start++
  while (end > start && path.charCodeAt(end - 1) === 47) end--
  if (start === end) return []
  const parts = path.slice(start, end).split('/')
  if (!path.includes('%')) return parts
  return parts.map(decode)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(text)}`)
  }
}

function fillParts(info: RequestInfo, parts: string[], at: number): void {
  let start = at
  if (parts[at] === 'namespaces' && parts.length > at + 1) {
    info.namespace = parts[at + 1]!
    // `/namespaces/x/status` is about the namespace; `/namespaces/x/pods` about pods in it.
    if (parts.length > at + 2 && !namespaceSubresources.has(parts[at + 2]!)) start = at + 2
  }
  info.resource = parts[start] ?? ''
  info.name = parts[start + 1] ?? ''
  info.pathName = info.name
  info.subresource = parts[start + 2] ?? ''
  info.rest = parts
    .slice(start + 3)
    .map(encodeURIComponent)
    .join('/')
}

function nameTheCollectionVerb(info: RequestInfo): void {
  if (info.name !== '') return
  if (info.verb === 'delete') info.verb = 'deletecollection'
  if (info.verb !== 'get' && info.verb !== 'watch') return
  const watch = info.query.get('watch')
  if (info.verb === 'get') info.verb = watch === null || watch === '0' || watch.toLowerCase() === 'false' ? 'list' : 'watch'
  const only = /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/.exec(info.query.get('fieldSelector') ?? '')?.[1]
  if (only && invalidPathSegment(only) === null) info.name = only
}

/** Names that could escape their place in a path, or null when this one cannot: upstream's wording. */
export function invalidPathSegment(name: string): string | null {
  if (name === '.' || name === '..') return `may not be '${name}'`
  const complaints = ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`)
  return complaints.length > 0 ? complaints.join(';') : null
}
