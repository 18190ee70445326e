/** Puts an API server together from its parts and runs it: what main.ts does with flags and tests do with a memory store. */
import type { ResourceQuota } from '../api/generated/types.ts'
import type { KubeObject } from '../api/object.ts'
import { createHealth, ping } from '../component/health.ts'
import type { Logger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import type { AdmissionContext, AdmissionPlugin, ClusterReader } from './admission/plugin.ts'
import { createAdmissionMetrics, measurePlugins } from './admission/admission-metrics.ts'
import { createAggregation } from './aggregation/aggregation.ts'
import { authenticationData } from './aggregation/publish-authentication.ts'
import type { ProxyClient } from './aggregation/remote-target.ts'
import type { ServiceAllocator } from './allocators/service-allocator.ts'
import type { ApiContext } from './api-context.ts'
import { countAudit } from './audit/audit-metrics.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { AuditRecorder } from './audit/audit-recorder.ts'
import { countTokens } from './auth/auth-metrics.ts'
import { createAuthenticator } from './auth/authentication/authenticator.ts'
import { createClusterAuthorizer, type ClusterAuthorizer } from './auth/authorization/authorizer.ts'
import { createPeerCertificateReader } from './auth/authentication/client-certificate.ts'
import { trackLegacyTokens } from './auth/authentication/legacy-token-tracking.ts'
import type { RequestHeaderOptions } from './auth/authentication/request-header-user.ts'
import { createServiceAccountTokens, type ServiceAccountTokensOptions } from './auth/authentication/service-account-tokens.ts'
import type { UserInfo } from './auth/user.ts'
import { feedAuthorizer } from './auth/authorization/feed-authorizer.ts'
import { bootstrap, type BootstrapOptions } from './bootstrap.ts'
import { createCauseLog } from './cause-log.ts'
import { createClusterReader, prefixOfKind } from './cluster-reader.ts'
import { serveCustomResources } from './custom-resources/serve.ts'
import { startFlowControl } from './flow-control/start-flow-control.ts'
import { createInFlightLimit } from './requests/in-flight.ts'
import { isGlobalUnicast } from './relays/global-address.ts'
import type { KubeletTransport } from './relays/kubelet-transport.ts'
import { createListBodies } from './reads/list-bodies.ts'
import { createAdmissionPolicies } from './policies/create-policies.ts'
import { createRequestHandler, REQUEST_TIMEOUT_MS } from './request-handler.ts'
import { createRequestMetrics } from './requests/request-metrics.ts'
import type { ResourceDefinition } from './resources/resource.ts'
import { createServedResources, keyFor, toStoredResource } from './served-resources.ts'
import { startServer } from './server.ts'
import type { Store } from './storage/store.ts'
import { createAdmissionWebhooks } from './webhooks/admission-webhooks.ts'
import { createWebhookClient } from './webhooks/webhook-client.ts'

export interface ApiServerOptions {
  store: Store
  resources: readonly ResourceDefinition[]
  admissionPlugins: readonly AdmissionPlugin[]
  /** Made after the store is there, since it keeps its state in it. */
  services: (store: Store, reader: ClusterReader) => ServiceAllocator
  tls: { cert: string; key: string }
  /** PEM bundle: who may vouch for users. */
  clientCa: string
  requestHeader?: (RequestHeaderOptions & { ca: string }) | undefined
  serviceAccounts: {
    issuers: readonly [string, ...string[]]
    signingKey: string
    verifyingKeys: readonly string[]
    audiences?: readonly string[]
  }
  staticTokens?: ((token: string) => UserInfo | undefined) | undefined
  anonymousAuth: boolean
  kubelets?: KubeletTransport | undefined
  /** Whether a proxy may lead to this address. No flag sets it: it is for tests, whose pods are on loopback. */
  proxiesTo?: (address: string) => boolean
  /** What other API servers know this one by. */
  proxyClient?: ProxyClient | undefined
  maxRequestsInFlight: number
  maxMutatingRequestsInFlight: number
  /** `--enable-priority-and-fairness`: the two limits are one, divided among priority levels. On by default. */
  priorityAndFairness?: boolean
  host: string
  port: number
  bootstrap: BootstrapOptions
  audit?: { recorder: AuditRecorder; log: AuditLog } | undefined
  /** Awaited between saying that this server is not ready any more and its end; until then it serves on. */
  beforeStop?: (() => Promise<unknown>) | undefined
  /** `--profiling` */
  profiling?: boolean
  logger: Logger
  now?: () => Date
}

export interface RunningApiServer {
  port: number
  stop(): Promise<void>
}

/** What has started before the first request is answered, by the names under which monitors of upstream's server look for it. */
const STARTED = [
  'log',
  'informer-sync',
  'poststarthook/start-kube-apiserver-admission-initializer',
  'poststarthook/generic-apiserver-start-informers',
  'poststarthook/start-apiextensions-informers',
  'poststarthook/start-apiextensions-controllers',
  'poststarthook/crd-informer-synced',
  'poststarthook/start-cluster-authentication-info-controller',
  'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-registration-controller',
  'poststarthook/apiservice-status-available-controller',
  'poststarthook/kube-apiserver-autoregistration',
  'poststarthook/apiservice-openapi-controller',
]

/** How long requests at work may take once the server has been told to end. */
const STOP_GRACE_MS = 5_000

/** Resolves when the server answers requests; its defaults (namespaces, roles) may follow a moment later: see /readyz. */
export async function startApiServer(options: ApiServerOptions): Promise<RunningApiServer> {
  const { store, logger } = options
  // A second name for another group's objects (events.k8s.io) has no store of its own.
  for (const definition of options.resources)
    if (definition.names.storageGroup === undefined) store.register(toStoredResource(definition))
  const stopping = new AbortController()
  // Before the store starts: reservations of node ports are kept in it, too.
  const { context, authorizer } = createContext(options, stopping.signal)
  let leaving = false
  context.health.add({ name: 'shutdown', on: ['readyz'], check: () => (leaving ? 'process is shutting down' : null) })
  const admissionMetrics = createAdmissionMetrics(context.metrics)
  context.admissionPlugins = measurePlugins(options.admissionPlugins, admissionMetrics)
  const webhooks = createAdmissionWebhooks(store, context.resources, context.webhookClient, admissionMetrics, logger)
  context.admission.webhooks = webhooks
  const policies = createAdmissionPolicies(store, context.resources, logger)
  context.admission.policies = policies
  await store.start()
  context.services.startRepair(stopping.signal)
  const feed = feedAuthorizer(store, authorizer, logger)
  const custom = serveCustomResources(context)
  webhooks.start()
  policies.start()
  context.aggregation.start()
  const flow = startFlowControl(context, { ...options, requestTimeoutMs: REQUEST_TIMEOUT_MS })
  for (const name of STARTED) context.health.add({ name, check: () => null })
  const server = await startServer({
    tls: { ...options.tls, ca: [options.clientCa, options.requestHeader?.ca ?? ''].join('\n') },
    host: options.host,
    port: options.port,
    logger,
    handle: createRequestHandler({
      context,
      limit: createInFlightLimit(options.maxRequestsInFlight, options.maxMutatingRequestsInFlight),
      requests: createRequestMetrics(context.metrics),
      peerCertificate: createPeerCertificateReader({ clientCa: options.clientCa, requestHeaderCa: options.requestHeader?.ca }),
    }),
  })
  logger.info('serving', { address: `https://${options.host}:${server.port}` })
  const bootstrapped = bootstrap(context, options.bootstrap, stopping.signal)
  return {
    port: server.port,
    async stop() {
      leaving = true
      await options.beforeStop?.()
      stopping.abort()
      await server.stop(STOP_GRACE_MS)
      await bootstrapped
      feed.close()
      custom.close()
      webhooks.close()
      policies.close()
      flow?.close()
      context.aggregation.close()
      context.webhookClient.close()
      await store.stop()
      await options.audit?.log.close()
    },
  }
}

function createContext(options: ApiServerOptions, stopping: AbortSignal): { context: ApiContext; authorizer: ClusterAuthorizer } {
  const { store, logger, now = () => new Date() } = options
  const reader = createClusterReader(store)
  const authorizer = createClusterAuthorizer(reader)
  const metrics = createMetrics()
  const count = countTokens(metrics)
  const tracking = trackLegacyTokens({
    find: (key) => reader.get('Secret', key),
    store: (secret) => store.update(keyOfSecret(secret), secret, Number(secret.metadata.resourceVersion)),
    now,
    onProblem: (problem, details) => logger.warn(problem, details),
  })
  const onUsed: ServiceAccountTokensOptions['onUsed'] = (kind, secret) => {
    count(kind)
    if (secret) tracking.note(secret)
  }
  const tokens = createServiceAccountTokens({ ...options.serviceAccounts, reader, onUsed, now })
  const authenticator = createAuthenticator({
    tokens,
    reader,
    staticTokens: options.staticTokens,
    requestHeaders: options.requestHeader,
    anonymous: options.anonymousAuth,
    onRefused: (why) => logger.debug('authentication refused', { why }),
    now,
  })
  const parts: Omit<ApiContext, 'aggregation'> = {
    store,
    resources: createServedResources(options.resources),
    authenticator,
    authorizer,
    admissionPlugins: options.admissionPlugins,
    admission: createAdmissionContext(store, reader, authorizer, now),
    services: options.services(store, reader),
    webhookClient: createWebhookClient(reader),
    tokens,
    causeLog: createCauseLog(),
    listBodies: createListBodies(),
    health: createHealth([ping, { name: 'etcd', check: () => store.healthy() }]),
    metrics,
    logger,
    kubelets: options.kubelets,
    proxiesTo: options.proxiesTo ?? isGlobalUnicast,
    profiling: options.profiling ?? false,
    audit: options.audit && countAudit(options.audit.recorder, options.audit.log, metrics),
    stopping,
    now,
  }
  const context: ApiContext = {
    ...parts,
    aggregation: createAggregation(parts, options.resources, {
      proxyClient: options.proxyClient,
      requestHeader: options.requestHeader,
      authentication: authenticationData(options.clientCa, options.requestHeader),
    }),
  }
  return { context, authorizer }
}

const keyOfSecret = ({ metadata: { namespace = '', name } }: KubeObject): string =>
  keyFor(prefixOfKind('Secret'), namespace, name)

function createAdmissionContext(
  store: Store,
  reader: ClusterReader,
  authorizer: ClusterAuthorizer,
  now: () => Date,
): AdmissionContext {
  return {
    reader,
    authorizer,
    now,
    consistent: async () => {
      await store.current()
      return reader
    },
    async updateQuotaStatus(quota) {
      const { namespace = '', name, resourceVersion } = quota.metadata
      const key = keyFor(prefixOfKind('ResourceQuota'), namespace, name)
      const result = await store.update(key, quota as KubeObject, Number(resourceVersion))
      return result.ok ? (result.entry.object() as ResourceQuota) : undefined
    },
  }
}
