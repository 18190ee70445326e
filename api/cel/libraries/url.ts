/** `url("https://example.org")` in CEL: absolute URLs and absolute paths, as Go's `url.ParseRequestURI` has them. */
import { text, type CelFunction } from '../arguments.ts'
import { CelError, CelOpaque, type CelMap } from '../values.ts'

interface Parts {
  scheme: string
  host: string
  hostname: string
  port: string
  path: string
  query: CelMap
}

function parse(value: string): Parts | undefined {
  const absolute = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?#]*)([^?]*)(?:\?(.*))?$/s.exec(value)
  const relative = absolute ? null : /^(\/[^?]*)(?:\?(.*))?$/s.exec(value)
  // eslint-disable-next-line no-control-regex -- exactly what Go refuses.
  if ((!absolute && !relative) || /[\x00-\x20\x7f]/.test(value) || /%(?![0-9a-fA-F]{2})/.test(value)) return undefined
  const [, scheme = '', authority = '', path = '', query = ''] = absolute ?? ['', '', '', relative![1], relative![2]]
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const parts = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host)
  if (!parts) return undefined
  const hostname = (parts[1] ?? '').replace(/^\[|\]$/g, '')
  return { scheme: scheme.toLowerCase(), host, hostname, port: parts[2] ?? '', path, query: queryOf(query) }
}

function queryOf(query: string): CelMap {
  const all = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(query)) all.set(name, [...(all.get(name) ?? []), value])
  return Object.fromEntries(all)
}

export const urls: Readonly<Record<string, CelFunction>> = {
  isURL: (value) => parse(text(value)) !== undefined,
  url: (value) => {
    const given = text(value)
    const parts = parse(given)
    if (!parts)
      throw new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(given)}: invalid URI for request`)
    return new CelOpaque('kubernetes.URL', given, {
      getScheme: () => parts.scheme,
      getHost: () => parts.host,
      getHostname: () => parts.hostname,
      getPort: () => parts.port,
      getEscapedPath: () => parts.path,
      getQuery: () => parts.query,
    })
  },
}
