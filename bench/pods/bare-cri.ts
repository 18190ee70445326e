/** The same containers without Kubernetes: the CRI calls that a pod's life comes down to, and nothing else. */
import { mkdir, rm } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import type { Pod } from '../../api/generated/types.ts'
import { toContainerConfig } from '../../kubelet/runtime/container-config.ts'
import { connectCri } from '../../kubelet/runtime/cri-client.ts'
import { toSandboxConfig } from '../../kubelet/runtime/sandbox-config.ts'

export interface BarePod {
  containerId: string
  stop(): Promise<void>
}

export interface BareCri {
  /** Resolves once the container runs. */
  start(name: string): Promise<BarePod>
  exec(pod: BarePod, command: string[]): Promise<void>
  close(): Promise<void>
}

export interface BareOptions {
  endpoint: string
  image: string
  command: string[]
  /** Of the node, so that these containers live among its others. */
  cgroupRoot: string
}

export async function createBareCri({ endpoint, image, command, cgroupRoot }: BareOptions): Promise<BareCri> {
  const cri = connectCri(endpoint)
  const logs = path.join('/var/tmp', `kubelab-bench-${process.pid}`)
  const found = await cri.call('ImageStatus', { image: { image } })
  if (!found.image) throw new Error(`Cannot measure: the node has no image ${image}`)
  const imageRef = found.image.id

  return {
    async start(name) {
      const uid = randomUUID()
      const container = { name: 'main', image, command }
      const pod: Pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'bare', uid },
        spec: { containers: [container] },
      }
      const sandboxConfig = toSandboxConfig(pod, {
        cgroupParent: path.posix.join(cgroupRoot, 'kubepods/besteffort', `pod${uid}`),
        logDirectory: path.join(logs, name),
        dns: { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', node: { servers: [], searches: [], options: [] } },
        attempt: 0,
      })
      await mkdir(path.join(logs, name, 'main'), { recursive: true })
      const { podSandboxId } = await cri.call('RunPodSandbox', { config: sandboxConfig, runtimeHandler: '' })
      const config = toContainerConfig(pod, container, {
        attempt: 0,
        imageRef,
        env: new Map(),
        mounts: [],
        devices: [],
        resources: { cpuPeriod: 100_000, cpuQuota: 0, cpuShares: 2, memoryLimitInBytes: 0, oomScoreAdj: 1000 },
        imageUser: {},
      })
      const { containerId } = await cri.call('CreateContainer', { podSandboxId, config, sandboxConfig })
      await cri.call('StartContainer', { containerId })
      return {
        containerId,
        async stop() {
          await cri.call('StopContainer', { containerId, timeout: 3 })
          await cri.call('StopPodSandbox', { podSandboxId })
          await cri.call('RemovePodSandbox', { podSandboxId })
        },
      }
    },
    async exec({ containerId }, cmd) {
      await cri.call('ExecSync', { containerId, cmd, timeout: 10 })
    },
    async close() {
      cri.close()
      await rm(logs, { recursive: true, force: true })
    },
  }
}
