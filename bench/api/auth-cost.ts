/** What authentication and authorization add to a warm request: the parts that the server has, with the default roles and many more. */
import { generateKeyPairSync } from 'node:crypto'
import type { RoleBinding } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { createMemoryReader } from '../../apiserver/memory-reader.ts'
import { createAuthenticator } from '../../apiserver/auth/authentication/authenticator.ts'
import { createClusterAuthorizer } from '../../apiserver/auth/authorization/authorizer.ts'
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  ROLE_BINDINGS,
  ROLES,
} from '../../apiserver/auth/default-roles/bootstrap-policy.ts'
import { createServiceAccountTokens } from '../../apiserver/auth/authentication/service-account-tokens.ts'
import type { PeerCertificate, RequestHeaders } from '../../apiserver/auth/user.ts'
import { attributesOf } from '../../apiserver/auth/authorization/request-attributes.ts'
import { parseRequestInfo } from '../../apiserver/requests/request-info.ts'

const ISSUER = 'https://kubernetes.default.svc'
const BINDINGS = 500
const ROUNDS = 50_000

const account = { name: 'robot', namespace: 'default', uid: 'uid-robot' }

const policy: KubeObject[] = [
  ...[...CLUSTER_ROLES, ...CLUSTER_ROLE_BINDINGS, ...ROLES, ...ROLE_BINDINGS].map((object) => object as KubeObject),
  ...Array.from({ length: BINDINGS }, (_, index): RoleBinding => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: `binding-${index}`, namespace: 'default', uid: `uid-binding-${index}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:aggregate-to-view' },
    subjects: [{ kind: 'ServiceAccount', name: index === 0 ? account.name : `other-${index}`, namespace: 'default' }],
  })),
]

/** A line for each way to say who one is. */
export async function measureAuthCost(): Promise<string[]> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const reader = createMemoryReader([{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: account }])
  const signingKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const tokens = createServiceAccountTokens({ issuers: [ISSUER], signingKey, reader })
  const authenticator = createAuthenticator({ tokens, reader })
  const authorizer = createClusterAuthorizer(reader)
  for (const object of policy) authorizer.onChange(object.kind as 'Role', object, 'ADDED')
  const token = await tokens.issue({ serviceAccount: account, audiences: [ISSUER], expirationSeconds: 3600 })

  const cost = async (headers: RequestHeaders, certificate: PeerCertificate | undefined, path: string) => {
    const info = parseRequestInfo('GET', path)
    const round = async () => {
      const user = await authenticator.authenticate({ headers, certificate })
      if (!user || !authorizer.authorize(attributesOf(user, info)).allowed) throw new Error(`Cannot measure: ${path} is refused`)
    }
    const rounds = async (count: number) => {
      for (let index = 0; index < count; index++) await round()
    }
    await rounds(ROUNDS / 5)
    const { user: before, system: systemBefore } = process.cpuUsage()
    await rounds(ROUNDS)
    const { user, system } = process.cpuUsage()
    return (user + system - before - systemBefore) / ROUNDS
  }
  const certificate = (commonName: string, organization: string) => ({ commonName, organizations: [organization] })
  const pods = '/api/v1/namespaces/default/pods/a'
  const costs = {
    'a service account, by token and RBAC': await cost({ authorization: `Bearer ${token}` }, undefined, pods),
    'a controller, by certificate and RBAC': await cost(
      {},
      certificate('system:kube-scheduler', 'system:authenticated'),
      '/api/v1/namespaces/default/pods',
    ),
    'a kubelet, by certificate and the Node authorizer': await cost(
      {},
      certificate('system:node:n1', 'system:nodes'),
      '/api/v1/nodes/n1',
    ),
  }
  return Object.entries(costs).map(([who, each]) => `authenticate and authorize ${who}: ${each.toFixed(1)} µs`)
}
