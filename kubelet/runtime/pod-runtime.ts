/** What the runtime holds of one pod, read through CRI: its sandboxes and containers, the newest of each first. */
import type { Cri } from './cri-client.ts'
import { isNotFound } from './cri-client.ts'
import type { Container, ContainerStatus, PodSandbox } from './cri-types.ts'
import { labels as labelNames, readContainerAnnotations } from './labels.ts'

export interface RuntimeSandbox {
  id: string
  attempt: number
  ready: boolean
  createdAtMs: number
  /** Empty for pods on the node's network. */
  ips: readonly string[]
}

export type RuntimeState = 'created' | 'running' | 'exited' | 'unknown'

export interface RuntimeContainer {
  id: string
  name: string
  /** How many containers of this name came before it: the restart count. */
  attempt: number
  sandboxId: string
  state: RuntimeState
  createdAtMs: number
  startedAtMs: number
  finishedAtMs: number
  exitCode: number
  reason: string
  message: string
  image: string
  imageRef: string
  logPath: string
  /** Of the spec it was made from. */
  hash: string
  terminationMessagePath: string
  terminationMessagePolicy: string
}

export interface PodRuntime {
  sandboxes: readonly RuntimeSandbox[]
  containers: readonly RuntimeContainer[]
}

export const emptyRuntime: PodRuntime = { sandboxes: [], containers: [] }

const toMs = (nanoseconds: number): number => nanoseconds / 1e6

const states: Record<Container['state'], RuntimeState> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
}

/** Reads pods; remembers what cannot change any more (addresses, ends of containers), so that most reads are two calls. */
export function createPodRuntimeReader(cri: Cri, readMessage: (container: ContainerStatus) => Promise<string>) {
  const sandboxIps = new Map<string, readonly string[]>()
  const statuses = new Map<string, RuntimeContainer>()

  async function toSandbox(sandbox: PodSandbox): Promise<RuntimeSandbox> {
    const ready = sandbox.state === 'SANDBOX_READY'
    let ips = sandboxIps.get(sandbox.id)
    if (!ips && ready) {
      const { status } = await cri.call('PodSandboxStatus', { podSandboxId: sandbox.id })
      ips = [status.network?.ip ?? '', ...(status.network?.additionalIps ?? []).map(({ ip }) => ip)].filter(Boolean)
      sandboxIps.set(sandbox.id, ips)
    }
    return { id: sandbox.id, attempt: sandbox.metadata.attempt, ready, createdAtMs: toMs(sandbox.createdAt), ips: ips ?? [] }
  }

  async function toContainer(container: Container): Promise<RuntimeContainer> {
    const known = statuses.get(container.id)
    if (known && known.state === states[container.state]) return known
    const { status } = await cri.call('ContainerStatus', { containerId: container.id })
    const message = status.state === 'CONTAINER_EXITED' ? await readMessage(status) : ''
    const made = fromStatus(status, container.podSandboxId, message)
    statuses.set(container.id, made)
    return made
  }

  return {
    async read(uid: string): Promise<PodRuntime> {
      const filter = { labelSelector: { [labelNames.podUid]: uid } }
      const [{ items }, { containers }] = await Promise.all([
        cri.call('ListPodSandbox', { filter }),
        cri.call('ListContainers', { filter }),
      ])
      const [sandboxes, read] = await Promise.all([presentOnly(items, toSandbox), presentOnly(containers, toContainer)])
      return {
        sandboxes: sandboxes.sort((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs),
        containers: read.sort((a, b) => b.createdAtMs - a.createdAtMs),
      }
    },
    forget(runtime: PodRuntime) {
      for (const { id } of runtime.sandboxes) sandboxIps.delete(id)
      for (const { id } of runtime.containers) statuses.delete(id)
    },
  }
}

export type PodRuntimeReader = ReturnType<typeof createPodRuntimeReader>

/** What was removed between the listing and the look is simply not there. */
async function presentOnly<A, B>(items: readonly A[], read: (item: A) => Promise<B>): Promise<B[]> {
  const results = await Promise.all(
    items.map(async (item) => {
      try {
        return [await read(item)]
      } catch (error) {
        if (isNotFound(error)) return []
        throw error
      }
    }),
  )
  return results.flat()
}

function fromStatus(status: ContainerStatus, sandboxId: string, message: string): RuntimeContainer {
  const { hash, terminationMessagePath, terminationMessagePolicy } = readContainerAnnotations(status.annotations)
  return {
    id: status.id,
    name: status.metadata.name,
    attempt: status.metadata.attempt,
    sandboxId,
    state: states[status.state],
    createdAtMs: toMs(status.createdAt),
    startedAtMs: toMs(status.startedAt),
    finishedAtMs: toMs(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: message || status.message,
    image: status.image?.image ?? '',
    imageRef: status.imageRef,
    logPath: status.logPath,
    hash,
    terminationMessagePath,
    terminationMessagePolicy,
  }
}

/** The newest container of that name, in any sandbox. */
export const newestContainer = (runtime: PodRuntime, name: string): RuntimeContainer | undefined =>
  runtime.containers.find((container) => container.name === name)

export const activeContainers = (runtime: PodRuntime): RuntimeContainer[] =>
  runtime.containers.filter(({ state }) => state === 'running' || state === 'unknown')
