/** HAProxy's configuration for a routing. Pure. */
import type { Backend, Route, Routing } from './compute-routes.ts'

const HEAD = (folder: string) => `global
  maxconn 4096
  nbthread 2
  stats socket ${folder}/admin.sock mode 600 level admin
  # What was open when the configuration changed goes on, but not for ever.
  hard-stop-after 10m
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  mode http
  # Each further attempt goes to another endpoint: one whose node is gone costs a second, and no request.
  option redispatch 1
  option http-keep-alive
  # A reload closes a client's idle connection with its next answer: closed at once, it may have a request on its way already.
  option idle-close-on-response
  option forwardfor
  retries 3
  retry-on conn-failure empty-response
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s
  timeout tunnel 1h

frontend health
  bind :10254
  monitor-uri /healthz

frontend web
  bind :80
  bind :443 ssl crt-list ${folder}/certificates.list alpn h2,http/1.1
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }
  http-request set-var(txn.host) req.hdr(host),field(1,:),lower
  # What may have begun to take effect is not asked for twice.
  http-request disable-l7-retry unless { method GET HEAD OPTIONS TRACE }
`

export function computeConfig(routing: Routing, folder: string, fallbackPem: string): Map<string, string> {
  const files = new Map([['default.pem', fallbackPem]])
  // The first in the list is for names that nobody has.
  const list = [`${folder}/default.pem`]
  for (const { name, pem, hosts } of routing.certificates) {
    files.set(`${name}.pem`, pem)
    const lines = chunks(hosts, HOSTS_A_LINE).map((some) => some.join(' '))
    for (const line of lines.length > 0 ? lines : ['']) list.push(`${folder}/${name}.pem ${line}`.trimEnd())
  }
  files.set('certificates.list', `${list.join('\n')}\n`)
  files.set(
    'haproxy.cfg',
    [
      HEAD(folder),
      ...routing.routes.map((route) => `  use_backend ${route.backend} if ${condition(route)}\n`),
      `  default_backend ${routing.defaultBackend ?? 'nothing'}\n`,
      ...routing.backends.map(backendText),
      '\nbackend nothing\n  http-request return status 404 content-type text/plain string "default backend - 404\\n"\n',
    ].join(''),
  )
  return files
}

/** HAProxy takes 64 KiB and 2046 names a line, and refuses everything when one line has more. */
const HOSTS_A_LINE = 200

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))

/** Path elements are compared whole: `/a` is a prefix of `/a/b` and not of `/ab`. */
function condition({ host, path, type }: Route): string {
  const hosts =
    host === ''
      ? ''
      : host.startsWith('*.')
        ? `{ var(txn.host) -m reg '^[^.]+${host.slice(1).replaceAll('.', '\\.')}$' } `
        : `{ var(txn.host) -m str '${host}' } `
  if (type === 'Exact') return `${hosts}{ path -m str '${path}' }`
  if (path === '/') return hosts ? hosts.trimEnd() : '{ always_true }'
  return `${hosts}{ path -m str '${path}' } or ${hosts}{ path -m beg '${path}/' }`
}

const backendText = ({ name, servers, http2 }: Backend): string =>
  [
    `\nbackend ${name}\n  balance roundrobin\n`,
    ...servers.map((address, index) => `  server s${index} ${address}${http2 ? ' proto h2' : ''}\n`),
  ].join('')
