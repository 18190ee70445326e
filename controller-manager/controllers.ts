/** Every controller, in the order they start. A new one is a file in `controllers/` and a line here. */
import { readPem } from '../component/tls.ts'
import { bootstrapSigner } from './controllers/bootstrap-signer.ts'
import { certificateCleaner, runCertificateApproving, runCertificateSigning } from './controllers/certificate-signing.ts'
import { clusterRoleAggregation } from './controllers/clusterrole-aggregation.ts'
import { cronJob } from './controllers/cron-job.ts'
import { createDaemonSetController } from './controllers/daemon-set.ts'
import { deployment } from './controllers/deployment.ts'
import { disruption } from './controllers/disruption.ts'
import { endpointSliceMirroring } from './controllers/endpoint-slice-mirroring.ts'
import { createEndpointSliceController } from './controllers/endpoint-slice.ts'
import { createEndpointsController } from './controllers/endpoints.ts'
import { runGarbageCollector } from './controllers/garbage-collector.ts'
import { runHorizontalPodAutoscaler } from './controllers/horizontal-pod-autoscaler.ts'
import { jobOrphans } from './controllers/job-orphans.ts'
import { job } from './controllers/job.ts'
import { createLegacyTokenCleaner } from './controllers/legacy-token-cleaner.ts'
import { localPathClaim, localPathProvisioner, localPathVolume } from './controllers/local-path.ts'
import { runNamespaceController } from './controllers/namespace.ts'
import { createNodeIpam } from './controllers/node-ipam.ts'
import { createNodeLifecycle } from './controllers/node-lifecycle.ts'
import { persistentVolume, persistentVolumeClaim } from './controllers/persistent-volume.ts'
import { createPodGarbageCollector } from './controllers/pod-garbage-collector.ts'
import { replicaSet } from './controllers/replica-set.ts'
import { replicationController } from './controllers/replication-controller.ts'
import { runResourceQuotaController } from './controllers/resource-quota.ts'
import { createRootCaPublisher } from './controllers/root-ca-publisher.ts'
import { serviceAccount } from './controllers/service-account.ts'
import { createServiceAccountToken, createSigner } from './controllers/service-account-token.ts'
import { createServiceLoadBalancer } from './controllers/service-load-balancer.ts'
import { statefulSet } from './controllers/stateful-set.ts'
import { createTaintEviction } from './controllers/taint-eviction.ts'
import { tokenCleaner } from './controllers/token-cleaner.ts'
import { ttlAfterFinished } from './controllers/ttl-after-finished.ts'
import { claimProtection, volumeProtection } from './controllers/volume-protection.ts'
import { runMetricsApi } from './metrics-api/run-metrics-api.ts'
import { both, configured, pure, type ControllerEntry } from './setup.ts'

export const CONTROLLERS: readonly ControllerEntry[] = [
  pure(serviceAccount),
  {
    ...configured('serviceaccount-token-controller', (flags) => {
      const key = flags['service-account-private-key-file']
      if (!key) return null
      return createServiceAccountToken({
        sign: createSigner(readPem(key, 'service account key')),
        rootCa: flags['root-ca-file'] ? readPem(flags['root-ca-file'], 'root CA') : '',
        legacy: flags['legacy-service-account-token-secrets'],
      })
    }),
    asManager: true,
  },
  configured('root-ca-certificate-publisher-controller', (flags) =>
    flags['root-ca-file'] ? createRootCaPublisher(readPem(flags['root-ca-file'], 'root CA')) : null,
  ),
  configured(
    'node-ipam-controller',
    (flags) => {
      const ranges = flags['cluster-cidr'].map((cidr) => ({
        cidr,
        maskSize: cidr.includes(':') ? flags['node-cidr-mask-size-ipv6'] : flags['node-cidr-mask-size'],
      }))
      return flags['allocate-node-cidrs'] && ranges.length > 0 ? createNodeIpam(ranges) : null
    },
    'cidrAllocator',
  ),
  configured(
    'node-lifecycle-controller',
    (flags) =>
      createNodeLifecycle({
        gracePeriodMs: flags['node-monitor-grace-period'],
        evictionRate: flags['node-eviction-rate'],
        secondaryEvictionRate: flags['secondary-node-eviction-rate'],
        largeZoneSize: flags['large-cluster-size-threshold'],
        unhealthyThreshold: flags['unhealthy-zone-threshold'],
      }),
    'node-controller',
  ),
  configured('taint-eviction-controller', createTaintEviction),
  configured('pod-garbage-collector-controller', (flags) => createPodGarbageCollector(flags['terminated-pod-gc-threshold'])),
  pure(deployment),
  pure(replicaSet),
  pure(replicationController, 'replication-controller'),
  configured('daemonset-controller', createDaemonSetController),
  pure(statefulSet),
  pure(job),
  pure(jobOrphans, 'job-controller'),
  pure(cronJob),
  pure(ttlAfterFinished),
  pure(disruption, 'controllermanager'),
  {
    name: 'horizontal-pod-autoscaler-controller',
    eventSource: 'horizontal-pod-autoscaler',
    start: ({ context, signal }) => runHorizontalPodAutoscaler(context, signal),
  },
  configured('endpointslice-controller', createEndpointSliceController, 'endpoint-slice-controller'),
  configured('endpoints-controller', createEndpointsController, 'endpoint-controller'),
  pure(endpointSliceMirroring),
  pure(clusterRoleAggregation),
  both(pure(persistentVolumeClaim, 'persistentvolume-controller'), pure(persistentVolume)),
  both(pure(localPathClaim, localPathProvisioner), pure(localPathVolume)),
  pure(claimProtection),
  pure(volumeProtection),
  {
    ...configured(
      'service-lb-controller',
      (flags) => (flags['lb-cidr'] ? createServiceLoadBalancer(flags['lb-cidr']) : null),
      'service-controller',
    ),
    asManager: true,
  },
  {
    name: 'certificatesigningrequest-approving-controller',
    start: ({ context, signal }) => runCertificateApproving(context, signal),
  },
  {
    name: 'certificatesigningrequest-signing-controller',
    start({ context, flags, signal }) {
      const cert = flags['cluster-signing-cert-file']
      const key = flags['cluster-signing-key-file']
      if (!cert || !key) return null
      const authority = { certificate: readPem(cert, 'signing certificate'), privateKey: readPem(key, 'signing key') }
      return runCertificateSigning(context, authority, flags['cluster-signing-duration'], signal)
    },
  },
  pure(certificateCleaner),
  pure(bootstrapSigner),
  pure(tokenCleaner),
  configured('legacy-serviceaccount-token-cleaner-controller', (flags) =>
    createLegacyTokenCleaner(flags['legacy-service-account-token-clean-up-period']),
  ),
  {
    name: 'metrics-api',
    start({ context, flags, signal }) {
      const address = flags['metrics-api-address']
      const clientCaFile = flags['requestheader-client-ca-file']
      if (!address || !clientCaFile) return null
      const options = {
        address,
        port: flags['metrics-api-port'],
        clientCaFile,
        clientNames: flags['requestheader-allowed-names'],
      }
      return runMetricsApi(context, options, signal)
    },
  },
  {
    name: 'resourcequota-controller',
    start: async ({ context, monitors, signal }) => runResourceQuotaController(context, await monitors(), signal),
  },
  {
    name: 'namespace-controller',
    start: async ({ context, monitors, signal }) => runNamespaceController(context, await monitors(), signal),
  },
  {
    name: 'garbage-collector-controller',
    start: async ({ context, monitors, signal }) => runGarbageCollector(context, await monitors(), signal),
  },
]

/** Upstream's rules: a name by itself wins over `*`, and `-name` over both. Unknown names are refused by the caller. */
export function isEnabled(name: string, chosen: readonly string[]): boolean {
  if (chosen.includes(`-${name}`)) return false
  return chosen.includes(name) || chosen.includes('*')
}

export function unknownControllers(chosen: readonly string[]): string[] {
  const known = new Set(CONTROLLERS.map(({ name }) => name))
  return chosen.map((name) => name.replace(/^-/, '')).filter((name) => name !== '*' && !known.has(name))
}
