/** What endpoints work with: the parts of the server, and one request as it goes through them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../component/logger.ts'
import type { Health } from '../component/health.ts'
import type { Metrics } from '../component/metrics.ts'
import type { Aggregation } from './aggregation/aggregation.ts'
import type { AdmissionContext, AdmissionPlugin } from './admission/plugin.ts'
import type { ServiceAllocator } from './allocators/service-allocator.ts'
import type { AuditRecord, AuditRecorder } from './audit/audit-recorder.ts'
import type { TokenAuthenticator } from './auth/authentication/authenticator.ts'
import type { ClusterAuthorizer } from './auth/authorization/authorizer.ts'
import type { ServiceAccountTokens } from './auth/authentication/service-account-tokens.ts'
import type { Authenticator, UserInfo } from './auth/user.ts'
import type { CauseLog } from './cause-log.ts'
import type { FlowControl } from './flow-control/flow-control.ts'
import type { KubeletTransport } from './relays/kubelet-transport.ts'
import type { ListBodies } from './reads/list-bodies.ts'
import type { RequestInfo } from './requests/request-info.ts'
import type { ServedResource, ServedResources } from './served-resources.ts'
import type { Store } from './storage/store.ts'
import type { WebhookClient } from './webhooks/webhook-client.ts'

export interface ApiContext {
  store: Store
  resources: ServedResources
  authenticator: Authenticator & TokenAuthenticator
  authorizer: ClusterAuthorizer
  admissionPlugins: readonly AdmissionPlugin[]
  admission: AdmissionContext
  /** Cluster IPs and node ports. */
  services: ServiceAllocator
  /** Calls admission and conversion webhooks. */
  webhookClient: WebhookClient
  /** Group versions that other servers answer. */
  aggregation: Aggregation
  /** Absent where `--enable-priority-and-fairness` is off. */
  flowControl?: FlowControl | undefined
  causeLog: CauseLog
  listBodies: ListBodies
  health: Health
  metrics: Metrics
  logger: Logger
  /** Absent when the server has no credentials for kubelets: exec, logs and their like then answer 503. */
  kubelets?: KubeletTransport | undefined
  /** Whether /proxy of pods and nodes may lead to this address. */
  proxiesTo: (address: string) => boolean
  tokens: ServiceAccountTokens
  /** Absent: nothing is recorded. */
  audit?: AuditRecorder | undefined
  /** Whether /debug/pprof is there for those who may see it. */
  profiling: boolean
  /** Ends with the server: long answers stop on it. */
  stopping: AbortSignal
  now: () => Date
}

export interface ApiRequest {
  raw: IncomingMessage
  response: ServerResponse
  info: RequestInfo
  user: UserInfo
  /** Go out as `Warning` headers with the answer. */
  warnings: string[]
  /** Go out with the answer, whatever it is. Given to `writeHead`: by `setHeader` they would cost three times as much. */
  headers?: Readonly<Record<string, string>> | undefined
  /** What the audit log will say of it; absent when the policy does not want it. */
  audit?: AuditRecord | undefined
}

export interface ResourceRequest extends ApiRequest {
  resource: ServedResource
}

export type Endpoint = (context: ApiContext, request: ResourceRequest) => Promise<void> | void
