/** The subresources of each resource: what serves them, and how discovery lists them. One line a subresource. */
import type { Endpoint } from './api-context.ts'
import { bind } from './endpoints/binding.ts'
import { evict } from './endpoints/evict.ts'
import { get } from './endpoints/get.ts'
import { attach, exec, log, portForward } from './endpoints/node-relay.ts'
import { approve, debug, finalize, resize } from './endpoints/parts.ts'
import { patch } from './endpoints/patch.ts'
import { proxy } from './endpoints/proxy.ts'
import { getScale, patchScale, updateScale } from './endpoints/scale.ts'
import { issueToken } from './endpoints/token.ts'
import { update } from './endpoints/update.ts'
import type { ResourceDefinition } from './resources/resource.ts'

export interface Subresource {
  name: string
  /** Kind of its bodies, when it is not the resource's own. */
  kind?: string
  group?: string
  version?: string
  /** By verb of the request. */
  verbs: Readonly<Record<string, Endpoint>>
}

export const status: Subresource = { name: 'status', verbs: { get, patch, update } }

const connect = (endpoint: Endpoint): Subresource['verbs'] => ({ get: endpoint, create: endpoint })
const everyVerb = (endpoint: Endpoint): Subresource['verbs'] => ({
  get: endpoint,
  create: endpoint,
  update: endpoint,
  patch: endpoint,
  delete: endpoint,
})

const proxied = (kind: string): Subresource => ({ name: 'proxy', kind, verbs: everyVerb(proxy) })
const scale: Subresource = {
  name: 'scale',
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  verbs: { get: getScale, patch: patchScale, update: updateScale },
}

/** By `<group>/<resource>`, sorted by name. */
const special: Readonly<Record<string, readonly Subresource[]>> = {
  '/namespaces': [{ name: 'finalize', verbs: { update: finalize.update } }],
  '/nodes': [proxied('NodeProxyOptions')],
  '/pods': [
    { name: 'attach', kind: 'PodAttachOptions', verbs: connect(attach) },
    { name: 'binding', kind: 'Binding', verbs: { create: bind } },
    { name: 'ephemeralcontainers', verbs: { get, patch: debug.patch, update: debug.update } },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: { create: evict } },
    { name: 'exec', kind: 'PodExecOptions', verbs: connect(exec) },
    { name: 'log', verbs: { get: log } },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: connect(portForward) },
    proxied('PodProxyOptions'),
    { name: 'resize', verbs: { get, patch: resize.patch, update: resize.update } },
  ],
  '/serviceaccounts': [
    { name: 'token', group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest', verbs: { create: issueToken } },
  ],
  '/services': [proxied('ServiceProxyOptions')],
  'certificates.k8s.io/certificatesigningrequests': [
    { name: 'approval', verbs: { get, patch: approve.patch, update: approve.update } },
  ],
}

/** What this resource has, sorted by name. */
export function subresourcesOf({ names, hasStatus, scale: hasScale }: ResourceDefinition): readonly Subresource[] {
  const own = special[`${names.group}/${names.plural}`] ?? []
  return [...own, ...(hasScale ? [scale] : []), ...(hasStatus ? [status] : [])].sort((a, b) => (a.name < b.name ? -1 : 1))
}

export const findSubresource = (definition: ResourceDefinition, name: string): Subresource | undefined =>
  name === 'status' && definition.hasStatus ? status : subresourcesOf(definition).find((one) => one.name === name)
