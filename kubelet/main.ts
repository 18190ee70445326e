/** kubelet: wiring only. */
import { hostname } from 'node:os'
import { quantityValue } from '../api/quantity.ts'
import { createApiClient } from '../client/rest-client.ts'
import { systemClock as clock } from '../component/clock.ts'
import { parseFlags } from '../component/flags.ts'
import { createLogger } from '../component/logger.ts'
import { orExit, runUntilSignal } from '../component/shutdown.ts'
import { openCertificates } from './certificates/kubelet-certificates.ts'
import { composeKubelet, type KubeletOptions } from './compose.ts'
import { composeHollowNodes } from './hollow-nodes.ts'
import { kubeletFlags, readEvictionFlags, readHollowFlags, readReservedFlags, readShutdownFlags } from './kubelet-flags.ts'
import { findNodeIps } from './node/machine.ts'

const { flags } = orExit(() => parseFlags(kubeletFlags, process.argv.slice(2), 'kubelet'))
const logger = createLogger({
  component: 'kubelet',
  level: flags.v >= 4 ? 'debug' : 'info',
  format: flags['logging-format'] as 'text' | 'json',
})

await runUntilSignal(
  async () => {
    const nodeName = (flags['hostname-override'] ?? hostname()).toLowerCase()
    const nodeIps = flags['node-ip'].length > 0 ? flags['node-ip'] : findNodeIps()
    const renewals = new AbortController()
    const certificates = await openCertificates(flags, { nodeName, nodeIps, clock, logger, signal: renewals.signal })
    const { config, tls } = certificates
    const client = createApiClient(config, { userAgent: 'kubelet', connections: 6 })
    const following = certificates.follow(client)
    const node: KubeletOptions = {
      nodeName,
      tls,
      nodeIps,
      runtimeEndpoint: flags['container-runtime-endpoint'],
      rootDirectory: flags['root-dir'],
      podLogDirectory: flags['pod-log-dir'],
      cgroupRoot: flags['cgroup-root'],
      clusterDns: flags['cluster-dns'],
      clusterDomain: flags['cluster-domain'],
      resolvConf: flags['resolv-conf'],
      podCidr: flags['pod-cidr'],
      address: flags.address,
      port: flags.port,
      maxPods: flags['max-pods'],
      nodeLabels: flags['node-labels'],
      registerNode: flags['register-node'],
      registerWithTaints: flags['register-with-taints'],
      providerId: flags['provider-id'],
      statusFrequencyMs: flags['node-status-update-frequency'],
      containerLogMaxBytes: quantityValue(flags['container-log-max-size']),
      containerLogMaxFiles: flags['container-log-max-files'],
      maxParallelPulls: flags['max-parallel-image-pulls'],
      eviction: orExit(() => readEvictionFlags(flags)),
      imageGcHighPercent: flags['image-gc-high-threshold'],
      imageGcLowPercent: flags['image-gc-low-threshold'],
      podManifestPath: flags['pod-manifest-path'],
      fileCheckFrequencyMs: flags['file-check-frequency'],
      reserved: orExit(() => readReservedFlags(flags)),
      podMaxPids: flags['pod-max-pids'] > 0 ? flags['pod-max-pids'] : undefined,
      allowedSysctls: flags['allowed-unsafe-sysctls'],
      shutdown: orExit(() => readShutdownFlags(flags)),
    }
    const running =
      flags.runtime === 'hollow'
        ? await composeHollowNodes(node, readHollowFlags(flags), { config, client, clock, logger })
        : await composeKubelet(node, client, clock, logger)
    return {
      async stop() {
        await running.stop()
        renewals.abort()
        await following
        await client.close()
      },
    }
  },
  { logger, graceMs: 30_000 + flags['shutdown-grace-period'] },
)
