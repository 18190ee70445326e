/**
 * `cluster-info` in kube-public: where the cluster is and by which authority it is known, readable by anybody.
 *
 * Who has a bootstrap token need not trust who answers: the bootstrap signer signs the kubeconfig in it with every token.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { stringify } from 'yaml'
import type { ConfigMap } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { BootstrapToken } from './bootstrap-token.ts'

const metadata = { name: 'cluster-info', namespace: 'kube-public' }
const READER = 'kubeadm:bootstrap-signer-clusterinfo'

export const clusterInfoObjects = (server: string, ca: string): KubeObject[] =>
  [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: {
        kubeconfig: stringify({
          apiVersion: 'v1',
          kind: 'Config',
          'current-context': '',
          clusters: [{ name: '', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
          contexts: null,
          preferences: {},
          users: null,
        }),
      },
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: READER, namespace: metadata.namespace },
      rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [metadata.name], verbs: ['get'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: READER, namespace: metadata.namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: READER },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:anonymous' }],
    },
  ] as unknown as KubeObject[]

/**
 * The kubeconfig in it, when this token's signature is on it; undefined when the token has not signed. Throws when it has, but
 * over other words: whoever answers is not the cluster that the token belongs to.
 */
export function readClusterInfo({ data = {} }: Pick<ConfigMap, 'data'>, { id, secret }: BootstrapToken): string | undefined {
  const { kubeconfig, [`jws-kubeconfig-${id}`]: jws } = data
  if (kubeconfig === undefined || jws === undefined) return undefined
  const [header = '', , signature = ''] = jws.split('.')
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: string }
  const content = `${header}.${Buffer.from(kubeconfig).toString('base64url')}`
  const expected = createHmac('sha256', secret).update(content).digest()
  const given = Buffer.from(signature, 'base64url')
  if (alg !== 'HS256' || given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new Error(`Cannot trust cluster-info: its signature is not that of the token ${id}`)
  return kubeconfig
}
