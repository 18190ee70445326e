/** A client for each controller: all under one identity, or each under a service account of its own (least privilege). */
import type { ServiceAccount } from '../api/generated/types.ts'
import { isAlreadyExists } from '../api/status.ts'
import type { ClientConfig } from '../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../client/rest-client.ts'
import type { Clock } from '../component/clock.ts'

const namespace = 'kube-system'
const tokenSeconds = 3600

/** Upstream's account names drop the suffix that its controller names got later. */
export const accountOf = (controller: string): string => accounts[controller] ?? controller

const accounts: Record<string, string> = {
  'endpoints-controller': 'endpoint-controller',
  'endpointslice-mirroring-controller': 'endpointslicemirroring-controller',
  'serviceaccount-controller': 'service-account-controller',
  'root-ca-certificate-publisher-controller': 'root-ca-cert-publisher',
  'garbage-collector-controller': 'generic-garbage-collector',
  'node-lifecycle-controller': 'node-controller',
  'node-ipam-controller': 'node-controller',
  'taint-eviction-controller': 'node-controller',
  'pod-garbage-collector-controller': 'pod-garbage-collector',
  'daemonset-controller': 'daemon-set-controller',
  'replicationcontroller-controller': 'replication-controller',
  'horizontal-pod-autoscaler-controller': 'horizontal-pod-autoscaler',
  'persistentvolume-binder-controller': 'persistent-volume-binder',
  'local-path-provisioner-controller': 'persistent-volume-binder',
  'persistentvolumeclaim-protection-controller': 'pvc-protection-controller',
  'persistentvolume-protection-controller': 'pv-protection-controller',
  'ttl-after-finished-controller': 'ttl-after-finished-controller',
  'certificatesigningrequest-approving-controller': 'certificate-controller',
  'certificatesigningrequest-signing-controller': 'certificate-controller',
  'certificatesigningrequest-cleaner-controller': 'certificate-controller',
  'clusterrole-aggregation-controller': 'clusterrole-aggregation-controller',
  'bootstrap-signer-controller': 'bootstrap-signer',
  'token-cleaner-controller': 'token-cleaner',
  'legacy-serviceaccount-token-cleaner-controller': 'legacy-service-account-token-cleaner',
  'service-lb-controller': 'service-controller',
  'disruption-controller': 'disruption-controller',
}

export function createControllerClients(config: ClientConfig, main: RestClient, separate: boolean, clock: Clock) {
  const clients: RestClient[] = []
  const create = (controller: string, asManager: boolean): RestClient => {
    if (asManager || !separate) return main
    const token = createTokenSource(main, accountOf(controller), clock)
    const client = createApiClient(
      { ...config, cert: undefined, key: undefined, authorization: token },
      { userAgent: `kube-controller-manager/${accountOf(controller)}`, connections: 24 },
    )
    clients.push(client)
    return client
  }
  return { create, close: async () => void (await Promise.all(clients.map((client) => client.close()))) }
}

/** Asks for a token when there is none, when the server refuses it, or when four fifths of its life are over. */
function createTokenSource(client: RestClient, account: string, clock: Clock): (rejected: boolean) => Promise<string> {
  let current: { token: Promise<string>; renewAt: number } | undefined
  return (rejected) => {
    const now = clock.now().getTime()
    if (current && !rejected && now < current.renewAt) return current.token
    const token = requestToken(client, account).then((text) => `Bearer ${text}`)
    current = { token, renewAt: now + tokenSeconds * 800 }
    // A failure must not be remembered: the next request asks again.
    token.catch(() => (current = undefined))
    return token
  }
}

async function requestToken(client: RestClient, name: string): Promise<string> {
  const account: Omit<ServiceAccount, 'apiVersion' | 'kind' | 'metadata'> & { metadata: { name: string; namespace: string } } = {
    metadata: { name, namespace },
  }
  await client.create('ServiceAccount', account).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error
  })
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: tokenSeconds } }
  const { status } = await client.createSubresource<{ status: { token: string } }>(
    'ServiceAccount',
    { namespace, name },
    'token',
    request,
  )
  return status.token
}
