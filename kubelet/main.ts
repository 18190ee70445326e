/** kubelet: wiring only. */
import { hostname } from 'node:os'
import { quantityValue } from '../api/quantity.ts'
import { loadComponentConfig } from '../client/kubeconfig.ts'
import { createApiClient } from '../client/rest-client.ts'
import { systemClock as clock } from '../component/clock.ts'
import { parseFlags } from '../component/flags.ts'
import { createLogger } from '../component/logger.ts'
import { loadServingCertificate } from '../component/serving-certificate.ts'
import { orExit, runUntilSignal } from '../component/shutdown.ts'
import { composeKubelet } from './compose.ts'
import { kubeletFlags, readEvictionFlags } from './kubelet-flags.ts'
import { findNodeIps } from './machine.ts'

const { flags } = orExit(() => parseFlags(kubeletFlags, process.argv.slice(2), 'kubelet'))
const logger = createLogger({
  component: 'kubelet',
  level: flags.v >= 4 ? 'debug' : 'info',
  format: flags['logging-format'] as 'text' | 'json',
})

await runUntilSignal(
  async () => {
    const nodeName = (flags['hostname-override'] ?? hostname()).toLowerCase()
    const client = createApiClient(await loadComponentConfig(flags.kubeconfig), { userAgent: 'kubelet' })
    const tls = await loadServingCertificate(
      flags['tls-cert-file'],
      flags['tls-private-key-file'],
      flags['client-ca-file'],
      nodeName,
    )
    const running = await composeKubelet(
      {
        nodeName,
        tls,
        nodeIps: flags['node-ip'].length > 0 ? flags['node-ip'] : findNodeIps(),
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
      },
      client,
      clock,
      logger,
    )
    return {
      async stop() {
        await running.stop()
        await client.close()
      },
    }
  },
  { logger },
)
