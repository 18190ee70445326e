/**
 * How a node that nobody knows comes in, as `kubeadm join` does it: a token, the cluster by its signature, and a kubeconfig that
 * is good for nothing but to ask for a certificate. From there on the kubelet is on its own.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import type { ConfigMap } from '../../api/generated/types.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { KubeconfigCluster } from '../../client/kubeconfig.ts'
import { createApiClient } from '../../client/rest-client.ts'
import { joinFiles } from '../definition.ts'
import type { LabDefinition } from '../definition.ts'
import { createBootstrapToken, tokenSecret, toText, type BootstrapToken } from './bootstrap-token.ts'
import { readClusterInfo } from './cluster-info.ts'

const TOKEN_LIFETIME_MS = 15 * 60_000

/** Writes the bootstrap kubeconfig of the node. `admin` makes the token; the rest needs no more rights than the token gives. */
export async function prepareJoin(
  lab: LabDefinition,
  node: string,
  server: string,
  admin: ApiClient,
  signal: AbortSignal,
): Promise<void> {
  const token = createBootstrapToken()
  await admin.create('Secret', tokenSecret(token, new Date(Date.now() + TOKEN_LIFETIME_MS), `for ${node} to join`) as never)
  await untilSigned(admin, token, signal)
  const cluster = await discover(server, token)
  const file = joinFiles(lab, node).bootstrapKubeconfig
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, bootstrapKubeconfig(cluster, token), { mode: 0o600 })
}

/** The bootstrap signer comes to it when it hears of the token. */
async function untilSigned(admin: ApiClient, token: BootstrapToken, signal: AbortSignal): Promise<void> {
  const scope = { namespace: 'kube-public', fieldSelector: 'metadata.name=cluster-info', signal }
  for (;;) {
    const { items, metadata } = await admin.list('ConfigMap', scope)
    if (items.some((map) => readClusterInfo(map, token))) return
    for await (const { type, object } of admin.watch('ConfigMap', { ...scope, resourceVersion: metadata.resourceVersion })) {
      if (type === 'MODIFIED' && readClusterInfo(object, token)) return
    }
    signal.throwIfAborted()
  }
}

/** Asks without knowing whom, believes only what the token has signed, and asks again on that authority. */
async function discover(server: string, token: BootstrapToken): Promise<KubeconfigCluster> {
  const unknown = await fetchClusterInfo({ server, insecureSkipTlsVerify: true, namespace: 'default' }, token)
  const ca = Buffer.from(unknown['certificate-authority-data'] ?? '', 'base64').toString()
  return fetchClusterInfo({ server: unknown.server ?? server, ca, namespace: 'default' }, token)
}

async function fetchClusterInfo(
  config: Parameters<typeof createApiClient>[0],
  token: BootstrapToken,
): Promise<KubeconfigCluster> {
  const client = createApiClient(config, { connections: 1 })
  try {
    const map: ConfigMap = await client.get('ConfigMap', { namespace: 'kube-public', name: 'cluster-info' })
    const kubeconfig = readClusterInfo(map, token)
    if (kubeconfig === undefined) throw new Error(`Cannot join: the token ${token.id} has not signed cluster-info`)
    const { clusters } = parse(kubeconfig) as { clusters: { cluster: KubeconfigCluster }[] }
    return clusters[0]!.cluster
  } finally {
    await client.close()
  }
}

const bootstrapKubeconfig = (cluster: KubeconfigCluster, token: BootstrapToken): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'bootstrap',
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name: 'bootstrap', user: { token: toText(token) } }],
    contexts: [{ name: 'bootstrap', context: { cluster: 'cluster', user: 'bootstrap' } }],
  })
