/** Makes the links of a proxied page lead through the proxy: absolute paths in HTML attributes and in redirects. Pure. */

/** Attributes that hold URLs, by tag. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
}

export interface ProxiedAt {
  /** Where the page is for the client: `/api/v1/namespaces/default/services/web/proxy`. */
  prefix: string
  /** The hosts that the page may call itself by: the endpoint's, and the one in the client's request. */
  hosts: readonly string[]
}

/** A relative link needs nothing, and another host is not ours to answer for. */
export function rewriteUrl(target: string, { prefix, hosts }: ProxiedAt): string {
  const match = /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is.exec(target)
  if (!match) return target
  const [, host = '', path = '', rest = ''] = match
  if ((host !== '' && !hosts.includes(host)) || !path.startsWith('/')) return target
  return `${path.startsWith(prefix) ? path : prefix + path}${rest}`
}

/** From one `<` to its `>`; a `<` in between ends the attempt, so that no page makes it look at anything twice. */
const TAG = /<([a-z][a-z0-9]*)((?:\s+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))?)*)\s*\/?>/iy
const ATTRIBUTE = /([^\s"'<>/=]+)(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))/g

export function rewriteHtml(html: string, at: ProxiedAt): string {
  let rewritten = ''
  let done = 0
  for (let open = html.indexOf('<'); open >= 0;) {
    if (html.startsWith('<!--', open)) {
      const end = html.indexOf('-->', open)
      if (end < 0) break
      open = html.indexOf('<', end)
      continue
    }
    TAG.lastIndex = open
    const [tag = '<', name = '', attributes = ''] = TAG.exec(html) ?? []
    const wanted = ATTRIBUTES[name.toLowerCase()]
    if (wanted && attributes) {
      rewritten += html.slice(done, open) + tag.replace(attributes, () => rewriteAttributes(attributes, wanted, at))
      done = open + tag.length
    }
    open = html.indexOf('<', open + tag.length)
  }
  return rewritten + html.slice(done)
}

const rewriteAttributes = (attributes: string, wanted: readonly string[], at: ProxiedAt): string =>
  attributes.replace(
    ATTRIBUTE,
    (whole: string, name: string, equals: string, double?: string, single?: string, bare?: string) => {
      if (!wanted.includes(name.toLowerCase())) return whole
      const quote = single === undefined ? '"' : "'"
      return `${name}${equals}${quote}${rewriteUrl(double ?? single ?? bare ?? '', at)}${quote}`
    },
  )
