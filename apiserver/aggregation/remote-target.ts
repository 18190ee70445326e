/** How another API server is reached: an endpoint of its service, our own certificate, and the user by whose leave we ask. */
import type { OutgoingHttpHeaders } from 'node:http'
import type { ClusterReader } from '../admission/plugin.ts'
import { toHeader } from '../auth/authentication/header-text.ts'
import type { UserInfo } from '../auth/user.ts'
import type { Target } from '../relays/relay.ts'
import { resolveService } from '../relays/service-address.ts'
import type { RemoteService } from './remote-services.ts'

/** `--proxy-client-cert-file` and `--proxy-client-key-file`: other servers believe X-Remote-User of who shows this. */
export interface ProxyClient {
  cert: string
  key: string
}

/** Throws when nobody is behind the service. */
export function remoteTarget(
  reader: ClusterReader,
  { spec }: RemoteService,
  proxyClient: ProxyClient | undefined,
  path: string,
  user: UserInfo,
): Target & { headers: OutgoingHttpHeaders; tls: NonNullable<Target['tls']> } {
  const { service, caBundle, insecureSkipTLSVerify } = spec
  const { namespace = '', name = '', port = 443 } = service
  return {
    ...resolveService(reader, namespace, name, port),
    path,
    tls: {
      servername: `${name}.${namespace}.svc`,
      rejectUnauthorized: !insecureSkipTLSVerify,
      ...(caBundle && { ca: Buffer.from(caBundle, 'base64').toString() }),
      ...proxyClient,
    },
    headers: userHeaders(user),
  }
}

function userHeaders({ username, uid, groups, extra = {} }: UserInfo): OutgoingHttpHeaders {
  return {
    'X-Remote-User': toHeader(username),
    ...(uid && { 'X-Remote-Uid': toHeader(uid) }),
    ...(groups.length > 0 && { 'X-Remote-Group': groups.map(toHeader) }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [`X-Remote-Extra-${escapeKey(key)}`, values.map(toHeader)]),
    ),
  }
}

/** Keys may have any character, header names may not: percent-encoded, as upstream has it. */
const escapeKey = (key: string): string =>
  key.replace(/[^a-zA-Z0-9!#$&'*+\-.^_`|~]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
