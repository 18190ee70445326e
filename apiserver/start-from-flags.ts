/** From the command line to a running API server on etcd: reads every file, makes every part. */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../component/logger.ts'
import { readPem } from '../component/tls.ts'
import { selectAdmissionPlugins } from './admission.ts'
import { parseRange } from './allocators/ip-range.ts'
import { createClusterIpReservations, createNodePortReservations } from './allocators/reservations.ts'
import { createServiceAllocator } from './allocators/service-allocator.ts'
import { startApiServer, type ApiServerOptions, type RunningApiServer } from './api-server.ts'
import { createAuditLog } from './audit/audit-log.ts'
import { parseAuditPolicy } from './audit/audit-policy.ts'
import { createAuditRecorder } from './audit/audit-recorder.ts'
import { parseStaticTokens } from './auth/authentication/static-tokens.ts'
import type { ApiServerFlags } from './flags.ts'
import { RESOURCES } from './resources.ts'
import { EtcdStore } from './storage/etcd-store.ts'
import { parseEncryptionConfiguration } from './storage-encryption/encryption-configuration.ts'
import { createTransformers } from './storage-encryption/transformers.ts'

export function startFromFlags(flags: ApiServerFlags, logger: Logger): Promise<RunningApiServer> {
  const encryption = flags['encryption-provider-config']
  const store = new EtcdStore({
    endpoints: flags['etcd-servers'],
    tls: {
      ca: readPem(flags['etcd-cafile'], 'etcd CA'),
      cert: readPem(flags['etcd-certfile'], 'etcd client certificate'),
      key: readPem(flags['etcd-keyfile'], 'etcd client key'),
    },
    ...(encryption && { transformers: createTransformers(parseEncryptionConfiguration(readFileSync(encryption, 'utf8'))) }),
    logger,
  })
  return startApiServer({
    store,
    resources: RESOURCES.map((resource) =>
      resource.ttlSeconds === undefined ? resource : { ...resource, ttlSeconds: flags['event-ttl'] / 1000 },
    ),
    admissionPlugins: selectAdmissionPlugins({
      enable: flags['enable-admission-plugins'],
      disable: flags['disable-admission-plugins'],
    }),
    ...security(flags),
    ...network(flags, logger),
    audit: audit(flags, logger),
    beforeStop: () => sleep(flags['shutdown-delay-duration']),
    profiling: flags.profiling,
    priorityAndFairness: flags['enable-priority-and-fairness'],
    maxRequestsInFlight: flags['max-requests-inflight'],
    maxMutatingRequestsInFlight: flags['max-mutating-requests-inflight'],
    logger,
  })
}

/** Nothing is recorded without both, as upstream has it. */
function audit(flags: ApiServerFlags, logger: Logger): ApiServerOptions['audit'] {
  const { 'audit-policy-file': policyFile, 'audit-log-path': file } = flags
  if (!policyFile || !file) return undefined
  const log = createAuditLog({
    file,
    maxBytes: flags['audit-log-maxsize'] * 2 ** 20,
    maxBackups: flags['audit-log-maxbackup'],
    maxAgeDays: flags['audit-log-maxage'],
    onProblem: (problem, details) => logger.error(problem, details),
  })
  return { log, recorder: createAuditRecorder(parseAuditPolicy(readFileSync(policyFile, 'utf8')), log) }
}

function security(flags: ApiServerFlags) {
  const tokenFile = flags['token-auth-file']
  const [issuer, ...olderIssuers] = flags['service-account-issuer']
  return {
    tls: {
      cert: readPem(flags['tls-cert-file'], 'serving certificate'),
      key: readPem(flags['tls-private-key-file'], 'serving key'),
    },
    clientCa: readPem(flags['client-ca-file'], 'client CA'),
    requestHeader: requestHeader(flags),
    serviceAccounts: {
      issuers: [issuer ?? '', ...olderIssuers] as [string, ...string[]],
      audiences: flags['api-audiences'],
      signingKey: readPem(flags['service-account-signing-key-file'], 'service account signing key'),
      verifyingKeys: flags['service-account-key-file'].map((file) => readPem(file, 'service account key')),
    },
    staticTokens: tokenFile ? parseStaticTokens(readFileSync(tokenFile, 'utf8')) : undefined,
    anonymousAuth: flags['anonymous-auth'],
    kubelets: kubelets(flags),
    proxyClient: proxyClient(flags),
  } satisfies Partial<ApiServerOptions>
}

function requestHeader(flags: ApiServerFlags): ApiServerOptions['requestHeader'] {
  const file = flags['requestheader-client-ca-file']
  if (!file) return undefined
  const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase())
  return {
    ca: readPem(file, 'front proxy CA'),
    allowedNames: flags['requestheader-allowed-names'],
    usernameHeaders: lower(flags['requestheader-username-headers']),
    uidHeaders: lower(flags['requestheader-uid-headers']),
    groupHeaders: lower(flags['requestheader-group-headers']),
    extraHeadersPrefix: lower(flags['requestheader-extra-headers-prefix']),
  }
}

function proxyClient(flags: ApiServerFlags): ApiServerOptions['proxyClient'] {
  const [cert, key] = [flags['proxy-client-cert-file'], flags['proxy-client-key-file']]
  if (!cert || !key) return undefined
  return { cert: readPem(cert, 'proxy client certificate'), key: readPem(key, 'proxy client key') }
}

function kubelets(flags: ApiServerFlags): ApiServerOptions['kubelets'] {
  const [cert, key, ca] = [
    flags['kubelet-client-certificate'],
    flags['kubelet-client-key'],
    flags['kubelet-certificate-authority'],
  ]
  if (!cert || !key || !ca) return undefined
  return {
    tls: {
      cert: readPem(cert, 'kubelet client certificate'),
      key: readPem(key, 'kubelet client key'),
      ca: readPem(ca, 'kubelet CA'),
    },
  }
}

function network(flags: ApiServerFlags, logger: Logger) {
  const ranges = flags['service-cluster-ip-range']
  const now = () => new Date()
  return {
    host: flags['bind-address'],
    port: flags['secure-port'],
    services: (store, reader) =>
      createServiceAllocator({
        clusterIPs: createClusterIpReservations(store, now),
        nodePorts: createNodePortReservations(store, now),
        nodePortRange: flags.nodePorts,
        serviceRanges: ranges,
        reader,
        logger,
        now,
      }),
    bootstrap: {
      advertiseAddress: flags['advertise-address'] || ownAddress(flags['bind-address']),
      securePort: flags['secure-port'],
      serviceAddress: parseRange(ranges[0] ?? '').at(0),
      serviceRanges: ranges,
    },
  } satisfies Partial<ApiServerOptions>
}

/** As upstream: the first address that is not loopback, when nobody said which. */
function ownAddress(bindAddress: string): string {
  if (bindAddress !== '0.0.0.0' && bindAddress !== '::') return bindAddress
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
