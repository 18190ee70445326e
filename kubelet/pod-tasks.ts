/** Carries out what was planned for a pod, each task on its own, and keeps what came of it. */
import { mkdir, rm } from 'node:fs/promises'
import type { Container, Pod, ResourceRequirements, Secret } from '../api/generated/types.ts'
import { quantityValue } from '../api/quantity.ts'
import { causeOf } from '../client/cause.ts'
import { isConflict, isNotFound as isApiNotFound } from '../api/status.ts'
import { toContainerResources } from './cgroups.ts'
import type { EnvSources } from './env.ts'
import { killContainer, type KillRequest, runPreStop, stopContainer } from './kill-container.ts'
import type { KubeletContext } from './kubelet-context.ts'
import { findContainer, type PodAction } from './plan-pod.ts'
import type { ImageFact, PodFacts, ProbeFacts, RestartBackoff, Verdict, Waiting } from './pod-facts.ts'
import type { PodObjects } from './pod-objects.ts'
import { containersOf, isHostNetwork, podText } from './pod-spec.ts'
import type { ResizeProblem } from './resize.ts'
import { nextBackoff } from './restart-backoff.ts'
import { fullRuntimeMessage, isNotFound, runtimeMessage } from './runtime/cri-client.ts'
import { isChanged } from './runtime/labels.ts'
import { newestContainer, type PodRuntime } from './runtime/pod-runtime.ts'
import { toSandboxConfig } from './runtime/sandbox-config.ts'
import { startContainer, StartError } from './start-container.ts'
import { createPodTokens } from './tokens.ts'
import { ImageVolumeError } from './volumes/image.ts'
import { createPodVolumes, tearDownVolumes } from './volumes/pod-volumes.ts'
import type { VolumeContext, VolumePlace } from './volumes/volume-kind.ts'

/** What the worker and its tasks share of one pod. */
export interface PodState {
  pod: Pod
  runtime: PodRuntime
  objects: PodObjects
  busy: Set<string>
  notBefore: Map<string, number>
  images: Map<string, ImageFact>
  volumesReady: boolean
  waiting: Map<string, Waiting>
  backoffs: Map<string, RestartBackoff>
  killing: Map<string, number>
  endingSinceMs: number | undefined
  preStopped: Set<string>
  stoppedSandboxes: Set<string>
  released: boolean
  gone: boolean
  finished: boolean
  verdict: Verdict | undefined
  applied: Map<string, ResourceRequirements>
  resizeProblem: ResizeProblem | undefined
  resizeError: string | undefined
  startedMs: number
  probes: () => ReadonlyMap<string, ProbeFacts>
}

export interface TaskHooks {
  wake(): void
  /** The runtime may hold something else now. */
  runtimeChanged(): void
  /** The runtime holds this one more. */
  sandboxMade(id: string): void
  containerMade(id: string, sandboxId: string): void
}

export interface PodTasks {
  facts(): PodFacts
  volumes(): ReadonlyMap<string, VolumePlace>
  start(key: string, action: PodAction): void
  /** What needs no task: a wait that began, a verdict. */
  note(action: PodAction): void
  /** What the pod names has changed: volumes follow, and what failed for its sake is tried again. */
  objectsChanged(): void
  nextRefreshMs(): number | undefined
  refreshIfDue(): void
  forget(): Promise<void>
}

const retryMs = 10_000
const sandboxRetryMs = 5_000
/** As upstream's worker after an error; what can get better by itself is asked sooner. */
const volumeRetry = [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 122_000]

export function createPodTasks(
  state: PodState,
  context: KubeletContext,
  { wake, runtimeChanged, sandboxMade, containerMade }: TaskHooks,
): PodTasks {
  const { cri, clock, events, paths, cgroups } = context
  const volumes = createPodVolumes(clock)
  const tokens = createPodTokens(context.client, clock)
  const pulls = new AbortController()
  const { uid } = state.pod.metadata
  const nowMs = () => clock.now().getTime()
  let volumeFailures = 0

  const sandboxConfig = (attempt: number) =>
    toSandboxConfig(state.pod, {
      attempt,
      cgroupParent: cgroups.parentOf(state.pod),
      logDirectory: paths.podLogDirectory({ namespace: state.pod.metadata.namespace ?? '', name: state.pod.metadata.name, uid }),
      dns: context.dns(),
    })
  const podIps = () => (isHostNetwork(state.pod) ? context.nodeIps : (state.runtime.sandboxes[0]?.ips ?? []))
  const volumeContext = (): VolumeContext => ({
    pod: state.pod,
    paths,
    mounts: context.platform.mounts,
    images: context.platform.images,
    ensureImage: async (name, image, imagePullPolicy) =>
      context.images.ensure(state.pod, { name, image, imagePullPolicy }, await pullSecrets(), pulls.signal),
    configMap: (name) => state.objects.configMap(name)!.get(),
    secret: (name) => state.objects.secret(name)!.get(),
    token: (request) => tokens.get(state.pod, request),
    allocatable: context.allocatable,
    addresses: { podIps: podIps(), hostIps: context.nodeIps },
    client: context.client,
  })

  async function pullSecrets(): Promise<Secret[]> {
    await state.objects.whenKnown()
    const secrets = (state.pod.spec.imagePullSecrets ?? []).map(({ name = '' }) => state.objects.secret(name)?.peek())
    return secrets.filter((secret): secret is Secret => secret !== undefined)
  }

  /** What mounts an image that cannot be had waits as a container of that image would. */
  function waitForImageVolume({ volume, failure }: ImageVolumeError): void {
    for (const { name, volumeMounts } of containersOf(state.pod))
      if (volumeMounts?.some((mount) => mount.name === volume)) state.waiting.set(name, failure)
    state.notBefore.set('volumes', failure.untilMs)
  }

  async function prepareVolumes(): Promise<void> {
    try {
      await mkdir(paths.podDirectory(uid), { recursive: true })
      await volumes.setUp(volumeContext())
      state.volumesReady = true
    } catch (error) {
      if (error instanceof ImageVolumeError) return waitForImageVolume(error)
      const message = error instanceof Error ? error.message : String(error)
      events.pod(state.pod, 'Warning', 'FailedMount', message)
      state.notBefore.set('volumes', nowMs() + (volumeRetry[volumeFailures++] ?? volumeRetry.at(-1)!))
    }
  }

  async function createSandbox(attempt: number): Promise<void> {
    try {
      if (attempt > 0) events.pod(state.pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
      cgroups.create(state.pod)
      const config = sandboxConfig(attempt)
      const runtimeHandler = await context.runtimeHandler(state.pod.spec.runtimeClassName)
      await mkdir(config.logDirectory, { recursive: true })
      const run = () => cri.call('RunPodSandbox', { config, runtimeHandler }, { timeoutMs: 240_000 })
      sandboxMade((await context.sandboxLimit(run)).podSandboxId)
    } catch (error) {
      events.pod(state.pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${runtimeMessage(error)}`)
      state.notBefore.set('sandbox', nowMs() + sandboxRetryMs)
      runtimeChanged()
    }
  }

  async function ensureImage(name: string): Promise<void> {
    const container = findContainer(state.pod, name)
    if (!container) return
    const secrets = await pullSecrets()
    const before = state.images.get(name)?.failure
    if (before?.reason === 'ErrImagePull' || before?.reason === 'ImagePullBackOff') state.waiting.set(name, before)
    const fact = await context.images.ensure(state.pod, container, secrets, pulls.signal)
    if (findContainer(state.pod, name)?.image !== container.image) return
    state.images.set(name, fact)
    if (fact.failure) {
      state.waiting.set(name, fact.failure)
      backOffImage(name, container, fact)
    } else if (isImageReason(state.waiting.get(name)?.reason)) state.waiting.delete(name)
  }

  /** The status tells of the failure for a moment, then that the kubelet waits. */
  function backOffImage(name: string, container: Container, fact: ImageFact): void {
    if (fact.failure?.reason !== 'ErrImagePull') return
    const message = `Back-off pulling image "${container.image}": ErrImagePull: ${fact.failure.message}`
    clock.setTimeout(() => {
      if (state.images.get(name) !== fact) return
      state.waiting.set(name, { reason: 'ImagePullBackOff', message })
      events.container(state.pod, container, 'Normal', 'BackOff', `Back-off pulling image "${container.image}"`)
      events.container(state.pod, container, 'Warning', 'Failed', 'Error: ImagePullBackOff')
      wake()
    }, 1000)
  }

  async function envSources(): Promise<EnvSources> {
    await state.objects.whenKnown()
    return {
      configMap: (name) => state.objects.configMap(name)?.peek(),
      secret: (name) => state.objects.secret(name)?.peek(),
      services: await context.services(state.pod.metadata.namespace ?? ''),
      addresses: { podIps: podIps(), hostIps: context.nodeIps },
      allocatable: context.allocatable,
    }
  }

  async function start(name: string, attempt: number): Promise<void> {
    const container = findContainer(state.pod, name)
    const sandbox = state.runtime.sandboxes[0]
    const image = state.images.get(name)
    if (!container || !sandbox || !image) return
    const previous = newestContainer(state.runtime, name)
    if (previous?.state === 'exited') {
      const entry = isChanged(container, previous) ? undefined : state.backoffs.get(name)
      state.backoffs.set(name, nextBackoff(entry, previous.finishedAtMs, nowMs()))
    }
    let told = false
    const target = state.pod.spec.ephemeralContainers?.find((candidate) => candidate.name === name)?.targetContainerName
    try {
      await startContainer(
        {
          pod: state.pod,
          container,
          attempt,
          sandboxId: sandbox.id,
          sandboxConfig: sandboxConfig(sandbox.attempt),
          podIps: podIps(),
          image,
          volumes: volumes.places(),
          envSources: await envSources(),
          targetContainerId: target ? newestContainer(state.runtime, target)?.id : undefined,
        },
        context,
        (id) => {
          state.applied.set(id, container.resources ?? {})
          state.waiting.delete(name)
          told = true
          containerMade(id, sandbox.id)
        },
      )
    } catch (error) {
      if (!(error instanceof StartError)) throw error
      state.waiting.set(name, error.waiting)
      if (error.waiting.reason.startsWith('CreateContainer')) state.notBefore.set(`start/${name}`, nowMs() + retryMs)
    } finally {
      // A policy of Always asks again before each start.
      state.images.delete(name)
      // Without a hook nothing has changed since the start was told.
      if (!told || container.lifecycle?.postStart) runtimeChanged()
    }
  }

  const killRequest = (id: string, name: string, graceSeconds: number): KillRequest => {
    const container = findContainer(state.pod, name)
    const hook = state.preStopped.has(id) ? undefined : container?.lifecycle?.preStop
    return { pod: state.pod, container, hook, containerId: id, podIp: podIps()[0] ?? '127.0.0.1', graceSeconds }
  }

  async function kill(id: string, name: string, graceSeconds: number, why: string): Promise<void> {
    state.killing.set(id, nowMs() + graceSeconds * 1000)
    events.container(state.pod, { name }, 'Normal', 'Killing', why)
    await killContainer(killRequest(id, name, graceSeconds), context)
    state.killing.delete(id)
    runtimeChanged()
  }

  async function preStop(id: string, name: string, graceSeconds: number): Promise<void> {
    const request = killRequest(id, name, graceSeconds)
    state.preStopped.add(id)
    await runPreStop(request, context)
  }

  async function shortenGrace(id: string, graceSeconds: number): Promise<void> {
    state.killing.set(id, nowMs() + graceSeconds * 1000)
    await stopContainer(cri, id, graceSeconds)
  }

  async function resize(id: string, name: string): Promise<void> {
    const container = findContainer(state.pod, name)
    if (!container) return
    // A group may not have less than what is in it: what grows grows from the outside, what shrinks from the inside.
    cgroups.raise(state.pod)
    const linux = toContainerResources(state.pod, container, context.memoryCapacity)
    try {
      await refuseTooSmall(id, name, linux.memoryLimitInBytes)
      await cri.call('UpdateContainerResources', { containerId: id, linux })
    } catch (error) {
      const message = runtimeMessage(error)
      if (message !== state.resizeError) events.pod(state.pod, 'Warning', 'ResizeError', `Pod resize error: ${message}`)
      state.resizeError = message
      state.notBefore.set(`resize/${id}`, nowMs() + retryMs)
      return
    }
    state.resizeError = undefined
    cgroups.create(state.pod)
    state.applied.set(id, container.resources ?? {})
    events.container(state.pod, container, 'Normal', 'ResizeCompleted', `Container ${name} resized`)
  }

  /** The kernel would end the container instead. */
  async function refuseTooSmall(containerId: string, name: string, limit: number): Promise<void> {
    const before = quantityValue(state.applied.get(containerId)?.limits?.memory ?? '0')
    if (limit === 0 || (before > 0 && limit >= before)) return
    const { stats } = await cri.call('ListContainerStats', { filter: { id: containerId } })
    const used = stats[0]?.memory?.workingSetBytes?.value ?? 0
    if (used > limit)
      throw new Error(`attempting to set container ${JSON.stringify(name)} memory limit (${limit}) below current usage (${used})`)
  }

  async function stopSandbox(podSandboxId: string): Promise<void> {
    await ignoreMissing(cri.call('StopPodSandbox', { podSandboxId }))
    state.stoppedSandboxes.add(podSandboxId)
    runtimeChanged()
  }

  async function removeSandbox(podSandboxId: string): Promise<void> {
    await ignoreMissing(cri.call('RemovePodSandbox', { podSandboxId }))
    runtimeChanged()
  }

  async function removeContainer(containerId: string): Promise<void> {
    const container = state.runtime.containers.find(({ id }) => id === containerId)
    await ignoreMissing(cri.call('RemoveContainer', { containerId }))
    if (container) {
      await rm(paths.logLink(state.pod, container.name, containerId), { force: true })
      if (container.logPath && !state.gone) await rm(container.logPath, { force: true })
    }
    runtimeChanged()
  }

  async function release(): Promise<void> {
    pulls.abort()
    await tearDownVolumes(uid, { ...context.platform, paths })
    cgroups.remove(state.pod)
    state.released = true
  }

  async function finish(): Promise<void> {
    await context.statuses.flush(uid)
    const { namespace, name } = state.pod.metadata
    try {
      await context.client.delete(
        'Pod',
        { namespace, name },
        { gracePeriodSeconds: 0, preconditions: { uid }, cause: causeOf('Pod', state.pod) },
      )
    } catch (error) {
      if (!isApiNotFound(error) && !isConflict(error)) throw error
    }
    state.finished = true
  }

  function perform(action: PodAction): Promise<void> {
    switch (action.do) {
      case 'prepare-volumes':
        return prepareVolumes()
      case 'create-sandbox':
        return createSandbox(action.attempt)
      case 'ensure-image':
        return ensureImage(action.container)
      case 'start-container':
        return start(action.container, action.attempt)
      case 'pre-stop':
        return preStop(action.id, action.container, action.graceSeconds)
      case 'kill-container':
        if (action.final) state.endingSinceMs ??= nowMs()
        return kill(action.id, action.container, action.graceSeconds, action.why)
      case 'shorten-grace':
        return shortenGrace(action.id, action.graceSeconds)
      case 'stop-sandbox':
        return stopSandbox(action.id)
      case 'remove-sandbox':
        return removeSandbox(action.id)
      case 'resize-container':
        return resize(action.id, action.container)
      case 'remove-container':
        return removeContainer(action.id)
      case 'release':
        return release()
      case 'finish':
        return finish()
      default:
        return Promise.resolve()
    }
  }

  async function refresh(): Promise<void> {
    if (!state.volumesReady || state.released) return
    await volumes.refresh(volumeContext())
  }
  const refreshSafely = () => {
    refresh().catch((error: unknown) => {
      // Objects of a namespace that is being deleted go before its pods do.
      const level = state.pod.metadata.deletionTimestamp ? 'debug' : 'warn'
      context.logger[level]('cannot refresh volumes', { pod: podText(state.pod), error: String(error) })
      clock.setTimeout(refreshSafely, retryMs)
    })
  }

  return {
    facts: () => ({ ...state, probes: state.probes() }),
    volumes: volumes.places,
    start(key, action) {
      if (state.busy.has(key)) return
      state.busy.add(key)
      perform(action)
        .then(
          () => undefined,
          (error: unknown) => {
            context.logger.warn('pod task failed', { pod: podText(state.pod), task: key, error: String(error) })
            state.notBefore.set(key, nowMs() + 1000)
            if (action.do === 'kill-container' || action.do === 'stop-sandbox')
              events.pod(state.pod, 'Warning', 'FailedKillPod', `error killing pod: ${fullRuntimeMessage(error)}`)
          },
        )
        .finally(() => {
          state.busy.delete(key)
          wake()
        })
    },
    note(action) {
      if (action.do === 'fail-pod') {
        state.verdict = action.verdict
        events.pod(state.pod, 'Normal', action.verdict.reason, action.verdict.message)
        wake()
      }
      if (action.do !== 'back-off' || state.waiting.get(action.container)?.message === action.message) return
      state.waiting.set(action.container, { reason: 'CrashLoopBackOff', message: action.message })
      const text = `Back-off restarting failed container ${action.container} in pod ${podText(state.pod)}`
      events.container(state.pod, { name: action.container }, 'Warning', 'BackOff', text)
    },
    objectsChanged() {
      for (const key of state.notBefore.keys()) if (key === 'volumes' || key.startsWith('start/')) state.notBefore.delete(key)
      refreshSafely()
    },
    nextRefreshMs: () => (state.released ? undefined : tokens.nextRefreshMs()),
    refreshIfDue() {
      if ((tokens.nextRefreshMs() ?? Infinity) <= nowMs()) refreshSafely()
    },
    async forget() {
      pulls.abort()
      context.images.forget(state.pod)
      context.statuses.forget(uid)
      context.probeCounts.forget(uid)
      const { namespace = '', name } = state.pod.metadata
      await rm(paths.podDirectory(uid), { recursive: true, force: true })
      await rm(paths.podLogDirectory({ namespace, name, uid }), { recursive: true, force: true })
    },
  }
}

const isImageReason = (reason: string | undefined): boolean =>
  reason !== undefined && ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName'].includes(reason)

async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
