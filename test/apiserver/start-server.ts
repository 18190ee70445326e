/** An API server in this process on the memory store, with TLS and certificates of its own, for component tests. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startApiServer, type ApiServerOptions, type RunningApiServer } from '../../apiserver/api-server.ts'
import { selectAdmissionPlugins } from '../../apiserver/admission.ts'
import { createClusterIpReservations, createNodePortReservations } from '../../apiserver/allocators/reservations.ts'
import { createServiceAllocator } from '../../apiserver/allocators/service-allocator.ts'
import { parseStaticTokens } from '../../apiserver/auth/authentication/static-tokens.ts'
import { MemoryStore } from '../../apiserver/storage/memory-store.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { silentLogger } from '../../component/logger.ts'

const now = () => new Date()

export const ADMIN_TOKEN = 'admin-token'
export const NOBODY_TOKEN = 'nobody-token'

export interface TestServer extends RunningApiServer {
  url: string
  ca: string
  /** A kubeconfig for the administrator. */
  kubeconfig: string
}

export async function startTestServer(more: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-apiserver-'))
  const tls = await createSelfSigned('kube-apiserver', ['localhost'], ['127.0.0.1'])
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = await startApiServer({
    store: new MemoryStore(),
    resources: more.resources ?? (await import('../../apiserver/resources.ts')).RESOURCES,
    // No controller makes the accounts that the plugin of that name asks for.
    admissionPlugins: selectAdmissionPlugins({ disable: ['ServiceAccount'] }),
    services: (store, reader) =>
      createServiceAllocator({
        clusterIPs: createClusterIpReservations(store, now),
        nodePorts: createNodePortReservations(store, now),
        serviceRanges: ['10.96.0.0/16'],
        reader,
        logger: silentLogger,
        now,
      }),
    tls,
    clientCa: tls.cert,
    serviceAccounts: {
      issuers: ['https://kubernetes.default.svc'],
      signingKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      verifyingKeys: [],
    },
    staticTokens: parseStaticTokens(`${ADMIN_TOKEN},admin,1,system:masters\n${NOBODY_TOKEN},nobody,2\n`),
    anonymousAuth: true,
    maxRequestsInFlight: 400,
    maxMutatingRequestsInFlight: 200,
    host: '127.0.0.1',
    port: 0,
    bootstrap: { advertiseAddress: '127.0.0.1', securePort: 6443, serviceAddress: '10.96.0.1' },
    logger: silentLogger,
    ...more,
  })
  const url = `https://127.0.0.1:${server.port}`
  const kubeconfig = path.join(folder, 'config')
  writeFileSync(kubeconfig, kubeconfigFor(url, tls.cert))
  return {
    port: server.port,
    url,
    ca: tls.cert,
    kubeconfig,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

const kubeconfigFor = (server: string, ca: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'admin', user: { token: ADMIN_TOKEN } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
  })
