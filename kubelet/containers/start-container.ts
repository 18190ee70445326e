/** Makes and starts one container in a sandbox that is ready, from an image that is there. */
import { chmod, mkdir, symlink, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Container, Pod } from '../../api/generated/types.ts'
import { toContainerResources } from '../cgroups.ts'
import { runHook } from './container-hooks.ts'
import { computeHostsFile } from '../dns.ts'
import { computeEnv, type EnvSources } from './env.ts'
import type { KubeletContext } from '../kubelet-context.ts'
import type { ImageFact, Waiting } from '../pods/pod-facts.ts'
import { isHostNetwork } from '../pods/pod-spec.ts'
import { toContainerConfig } from '../runtime/container-config.ts'
import { runtimeMessage } from '../runtime/cri-client.ts'
import type { ContainerConfig, Mount, PodSandboxConfig } from '../runtime/cri-types.ts'
import { toDevices, toMounts } from '../volumes/mounts.ts'
import type { VolumePlace } from '../volumes/volume-kind.ts'

export interface StartRequest {
  pod: Pod
  container: Container
  attempt: number
  sandboxId: string
  sandboxConfig: PodSandboxConfig
  podIps: readonly string[]
  image: ImageFact
  volumes: ReadonlyMap<string, VolumePlace>
  envSources: EnvSources
  targetContainerId?: string | undefined
}

/** The container did not start; `waiting` is what its status tells. */
export class StartError extends Error {
  override name = 'StartError'
  readonly waiting: Waiting
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.waiting = { reason, message }
  }
}

const hookTimeoutMs = 3_600_000

export async function startContainer(
  request: StartRequest,
  context: KubeletContext,
  onStarted: (containerId: string) => void,
): Promise<void> {
  const { pod, container, sandboxId, sandboxConfig } = request
  const { cri, events } = context
  const event = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    events.container(pod, container, type, reason, message)
  const fail = (reason: string, error: unknown): never => {
    const message = runtimeMessage(error)
    event('Warning', 'Failed', `Error: ${message}`)
    throw new StartError(reason, message, { cause: error })
  }
  const config = await describe(request, context).catch((error: unknown) => fail('CreateContainerConfigError', error))
  const { containerId } = await cri
    .call('CreateContainer', { podSandboxId: sandboxId, config, sandboxConfig })
    .catch((error: unknown) => fail('CreateContainerError', error))
  event('Normal', 'Created', `Container created`)
  await cri.call('StartContainer', { containerId }).catch((error: unknown) => fail('RunContainerError', error))
  event('Normal', 'Started', `Container started`)
  await linkLog(request, config, containerId, context)
  onStarted(containerId)
  await runPostStart(request, containerId, context)
}

async function describe(request: StartRequest, context: KubeletContext): Promise<ContainerConfig> {
  const { pod, container, attempt, image } = request
  const env = computeEnv(pod, container, request.envSources)
  const [mounts, files] = await Promise.all([
    toMounts(container, {
      volumes: request.volumes,
      env,
      mounts: context.platform.mounts,
      subPathTarget: (volume, index) =>
        path.join(context.paths.subPathRoot(pod.metadata.uid), volume, container.name, String(index)),
    }),
    managedFiles(request, context),
    mkdir(path.join(request.sandboxConfig.logDirectory, container.name), { recursive: true }),
  ])
  const taken = new Set(mounts.map(({ containerPath }) => containerPath))
  return toContainerConfig(pod, container, {
    attempt,
    imageRef: image.imageRef ?? '',
    env: new Map([...hostnameEnv(request), ...env]),
    mounts: [...mounts, ...files.filter(({ containerPath }) => !taken.has(containerPath))],
    devices: toDevices(container, request.volumes),
    resources: toContainerResources(pod, container, context.memoryCapacity),
    imageUser: image.user ?? {},
    targetContainerId: request.targetContainerId,
  })
}

/** Images expect it, as Docker always set it. */
const hostnameEnv = ({ sandboxConfig, pod }: StartRequest): [string, string][] =>
  isHostNetwork(pod) ? [] : [['HOSTNAME', sandboxConfig.hostname]]

/** /etc/hosts, one for the pod, and the termination log, one for each container. */
async function managedFiles(
  { pod, container, attempt, podIps }: StartRequest,
  { paths, dns, nodeHosts }: KubeletContext,
): Promise<Mount[]> {
  const { uid } = pod.metadata
  const log = paths.terminationLog(uid, container.name, attempt)
  const hosts = paths.hostsFile(uid)
  await mkdir(path.dirname(log), { recursive: true })
  await Promise.all([
    writeFile(log, '').then(() => chmod(log, 0o666)),
    writeFile(hosts, computeHostsFile(pod, podIps, dns().clusterDomain, isHostNetwork(pod) ? await nodeHosts() : undefined)),
  ])
  const mount = (hostPath: string, containerPath: string): Mount => ({
    hostPath,
    containerPath,
    readonly: false,
    propagation: 'PROPAGATION_PRIVATE',
  })
  return [mount(log, container.terminationMessagePath ?? '/dev/termination-log'), mount(hosts, '/etc/hosts')]
}

async function linkLog(
  { pod, container, sandboxConfig }: StartRequest,
  config: ContainerConfig,
  id: string,
  { paths }: KubeletContext,
): Promise<void> {
  const link = paths.logLink(pod, container.name, id)
  await mkdir(path.dirname(link), { recursive: true })
  await unlink(link).catch(() => undefined)
  await symlink(path.join(sandboxConfig.logDirectory, config.logPath), link)
}

/** A failed hook ends the container; its restart policy decides what follows. */
async function runPostStart(
  { pod, container, podIps }: StartRequest,
  containerId: string,
  context: KubeletContext,
): Promise<void> {
  const handler = container.lifecycle?.postStart
  if (!handler) return
  const podIp = podIps[0] ?? '127.0.0.1'
  const { cri, clock, platform } = context
  const failure = await runHook(handler, { container, containerId, podIp, cri, clock, probe: platform.probe }, hookTimeoutMs)
  if (failure === null) return
  context.events.container(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
  const grace = pod.spec.terminationGracePeriodSeconds ?? 30
  context.events.container(pod, container, 'Normal', 'Killing', 'FailedPostStartHook')
  await context.cri.call('StopContainer', { containerId, timeout: grace }, { timeoutMs: (grace + 60) * 1000 })
  throw new StartError('PostStartHookError', `PostStartHook failed: ${failure}`)
}
