/** Who may do what by default: every default role against every resource and verb, in a golden file that people read. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ClusterRole, Role } from '../../../api/generated/types.ts'
import { createMemoryReader } from '../../memory-reader.ts'
import { createClusterAuthorizer, type ClusterAuthorizer } from '../authorization/authorizer.ts'
import { CLUSTER_ROLES, ROLES } from './bootstrap-policy.ts'
import { binding, clusterBinding, user } from './policy-notation.ts'
import { RESOURCES } from '../../resources.ts'
import { subresourcesOf } from '../../subresources.ts'

const FILE = path.resolve(import.meta.dirname, '../../../test/golden/default-roles.txt')
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
/** Of `<plural>[/<subresource>].<group>`: rights that are no verb of a served resource. */
const SPECIAL: readonly [verbs: string, resources: string][] = [
  ['approve attest sign', 'signers.certificates.k8s.io'],
  ['bind escalate', 'roles.rbac.authorization.k8s.io clusterroles.rbac.authorization.k8s.io'],
  ['impersonate', 'users. groups. serviceaccounts. uids.authentication.k8s.io userextras/scopes.authentication.k8s.io'],
  [
    'create',
    'certificatesigningrequests/nodeclient.certificates.k8s.io certificatesigningrequests/selfnodeclient.certificates.k8s.io',
  ],
  ['create', 'tokenreviews.authentication.k8s.io selfsubjectreviews.authentication.k8s.io'],
  ['create', 'subjectaccessreviews.authorization.k8s.io localsubjectaccessreviews.authorization.k8s.io'],
  ['create', 'selfsubjectaccessreviews.authorization.k8s.io selfsubjectrulesreviews.authorization.k8s.io'],
  ['get create proxy', 'nodes. nodes/log. nodes/stats. nodes/metrics. nodes/pods. nodes/healthz. nodes/configz.'],
]
const URLS = [
  '/',
  '/api',
  '/api/v1',
  '/apis',
  '/apis/apps',
  '/healthz',
  '/livez',
  '/readyz',
  '/livez/etcd',
  '/version',
  '/metrics',
].concat(['/openapi/v2', '/openapi/v3', '/openid/v1/jwks', '/.well-known/openid-configuration', '/debug/pprof', '/logs'])

let authorizer: ClusterAuthorizer

const whoHas = ({ metadata: { namespace = '', name } }: ClusterRole | Role): string => `${namespace}/${name}`

beforeAll(() => {
  authorizer = createClusterAuthorizer(createMemoryReader())
  let roles: readonly ClusterRole[] = CLUSTER_ROLES
  // `view` is gathered into `edit`, and that into `admin`.
  for (let round = 0; round < 3; round++) roles = roles.map((role) => gather(role, roles))
  for (const role of roles) {
    authorizer.onChange('ClusterRole', role, 'ADDED')
    const bound = clusterBinding(`test:${role.metadata.name}`, [user(whoHas(role))], role.metadata.name)
    authorizer.onChange('ClusterRoleBinding', bound, 'ADDED')
  }
  for (const role of ROLES) {
    const { namespace = '', name } = role.metadata
    authorizer.onChange('Role', role, 'ADDED')
    authorizer.onChange('RoleBinding', binding(namespace, `test:${name}`, [user(whoHas(role))], name), 'ADDED')
  }
})

/** What the aggregation controller does. */
function gather(role: ClusterRole, all: readonly ClusterRole[]): ClusterRole {
  const label = Object.keys(role.aggregationRule?.clusterRoleSelectors?.[0]?.matchLabels ?? {})[0]
  if (label === undefined) return role
  return { ...role, rules: all.flatMap(({ metadata, rules = [] }) => (metadata.labels?.[label] === 'true' ? rules : [])) }
}

/** `pods/log.`, `deployments.apps`: the group follows the first dot, and is empty for the core group. */
function may(username: string, verb: string, resource: string, namespace: string, name = ''): boolean {
  const isUrl = resource.startsWith('/')
  const [plural = '', apiGroup = ''] = isUrl ? [] : resource.split(/\.(.*)/s)
  const [own = '', subresource = ''] = plural.split('/')
  return authorizer.authorize({
    user: { username, groups: [] },
    verb,
    resource: own,
    subresource,
    apiGroup,
    apiVersion: 'v1',
    namespace,
    name,
    path: isUrl ? resource : '',
    isResourceRequest: !isUrl,
  }).allowed
}

function questions(): [resource: string, verbs: string[]][] {
  const asked = new Map<string, Set<string>>()
  const ask = (resource: string, verbs: readonly string[]) => {
    const known = asked.get(resource) ?? new Set()
    verbs.forEach((verb) => known.add(verb))
    asked.set(resource, known)
  }
  for (const definition of RESOURCES) {
    const { plural, group } = definition.names
    ask(`${plural}.${group}`, VERBS)
    for (const { name } of subresourcesOf(definition)) ask(`${plural}/${name}.${group}`, VERBS)
  }
  for (const [verbs, resources] of SPECIAL) for (const resource of resources.split(' ')) ask(resource, verbs.split(' '))
  for (const url of URLS) ask(url, ['get', 'post'])
  return [...asked]
    .map(([resource, verbs]): [string, string[]] => [resource, [...verbs].sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What a role may do with a resource that nobody has heard of, it may with all: said once, and the rest beyond it. */
const ANY = { resource: 'any.example.com', subresource: 'any/scale.example.com' }

function describeRole(role: ClusterRole | Role, all: ReturnType<typeof questions>): string {
  const who = whoHas(role)
  const { namespace = '' } = role.metadata
  const names = [...new Set((role.rules ?? []).flatMap(({ resourceNames = [] }) => resourceNames))].sort()
  const anywhere = (resource: string) => VERBS.filter((verb) => may(who, verb, resource, namespace))
  const baseline = { any: anywhere(ANY.resource), scale: anywhere(ANY.subresource) }
  const line = (what: string, verbs: readonly string[]) => (verbs.length > 0 ? [`  ${what}: ${verbs.join(' ')}`] : [])
  const lines = all.flatMap(([resource, verbs]) => {
    const known = resource.includes('/scale.') ? baseline.scale : resource.startsWith('/') ? [] : baseline.any
    const asked = verbs.filter((verb) => !known.includes(verb))
    const allowed = asked.filter((verb) => may(who, verb, resource, namespace))
    const byName = names.flatMap((name) => {
      const more = asked.filter((verb) => !allowed.includes(verb) && may(who, verb, resource, namespace, name))
      return line(`${resource.replace(/\.$/, '')} ${JSON.stringify(name)}`, more)
    })
    return [...line(resource.replace(/\.$/, ''), allowed), ...byName]
  })
  const title = namespace ? `${role.metadata.name} in ${namespace}` : role.metadata.name
  return [title, ...line('any resource', baseline.any), ...line('any scale', baseline.scale), ...lines].join('\n')
}

describe('the default roles', () => {
  it('allow what the golden file says and nothing else', () => {
    const all = questions()
    const text = `${[...CLUSTER_ROLES, ...ROLES].map((role) => describeRole(role, all)).join('\n\n')}\n`
    if (process.env['GOLDEN'] === 'write') writeFileSync(FILE, text)
    expect(text).toBe(readFileSync(FILE, 'utf8'))
  })

  it.each([
    ['cluster-admin', 'may', 'delete nodes., escalate clusterroles.rbac.authorization.k8s.io, impersonate users., get /logs'],
    [
      'admin',
      'may',
      'create roles.rbac.authorization.k8s.io, create rolebindings.rbac.authorization.k8s.io, get secrets., delete pods.',
    ],
    [
      'admin',
      'may not',
      'update resourcequotas., delete namespaces., get nodes., create clusterroles.rbac.authorization.k8s.io, bind roles.rbac.authorization.k8s.io',
    ],
    [
      'edit',
      'may',
      'create deployments.apps, get secrets., create pods/exec., impersonate serviceaccounts., create serviceaccounts/token.',
    ],
    [
      'edit',
      'may not',
      'get roles.rbac.authorization.k8s.io, create rolebindings.rbac.authorization.k8s.io, update limitranges., impersonate users., update endpoints.',
    ],
    [
      'view',
      'may',
      'get pods/log., list configmaps., watch deployments.apps, get resourcequotas., list endpointslices.discovery.k8s.io',
    ],
    [
      'view',
      'may not',
      'get secrets., create pods., create pods/exec., get pods/exec., get pods/portforward., get roles.rbac.authorization.k8s.io, create serviceaccounts/token.',
    ],
    [
      'system:basic-user',
      'may',
      'create selfsubjectaccessreviews.authorization.k8s.io, create selfsubjectreviews.authentication.k8s.io',
    ],
    [
      'system:basic-user',
      'may not',
      'create subjectaccessreviews.authorization.k8s.io, create tokenreviews.authentication.k8s.io, get pods.',
    ],
    ['system:public-info-viewer', 'may', 'get /version, get /healthz, get /livez, get /readyz'],
    ['system:public-info-viewer', 'may not', 'get /, get /api, get /openapi/v2, get /metrics, post /version'],
    ['system:discovery', 'may', 'get /api, get /apis/apps, get /openapi/v3'],
    ['system:discovery', 'may not', 'get /metrics, get /logs, get pods.'],
    ['system:node-bootstrapper', 'may', 'create certificatesigningrequests.certificates.k8s.io'],
    [
      'system:node-bootstrapper',
      'may not',
      'create certificatesigningrequests/nodeclient.certificates.k8s.io, update certificatesigningrequests/approval.certificates.k8s.io, get nodes.',
    ],
    [
      'system:auth-delegator',
      'may',
      'create tokenreviews.authentication.k8s.io, create subjectaccessreviews.authorization.k8s.io',
    ],
    ['system:kubelet-api-admin', 'may', 'get nodes/log., proxy nodes., create nodes/proxy.'],
    ['system:kubelet-api-admin', 'may not', 'delete nodes., get pods.'],
    ['system:kube-scheduler', 'may', 'create pods/binding., delete pods., update pods/status.'],
    ['system:kube-scheduler', 'may not', 'get secrets., create pods., update nodes.'],
    ['system:node-proxier', 'may not', 'get secrets., update services., list pods.'],
    ['system:controller:node-controller', 'may', 'delete nodes., patch nodes/status., delete pods.'],
    ['system:controller:node-controller', 'may not', 'get secrets., create nodes.'],
    ['system:controller:replicaset-controller', 'may not', 'get secrets., create deployments.apps, update nodes.'],
  ])('%s %s %s', (role, verdict, asked) => {
    for (const question of asked.split(', ')) {
      const [verb = '', resource = ''] = question.split(' ')
      expect(may(`/${role}`, verb, resource, 'default', 'x'), question).toBe(verdict === 'may')
    }
  })
})
