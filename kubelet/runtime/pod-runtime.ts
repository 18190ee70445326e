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
    const known = sandboxIps.get(sandbox.id)
    return known || sandbox.state !== 'SANDBOX_READY' ? fromSandbox(sandbox, known ?? []) : readSandbox(sandbox.id)
  }

  async function readSandbox(podSandboxId: string): Promise<RuntimeSandbox> {
    const { status } = await cri.call('PodSandboxStatus', { podSandboxId })
    const ips = [status.network?.ip ?? '', ...(status.network?.additionalIps ?? []).map(({ ip }) => ip)].filter(Boolean)
    sandboxIps.set(podSandboxId, ips)
    return fromSandbox(status, ips)
  }

  async function toContainer({ id, state, podSandboxId }: Container): Promise<RuntimeContainer> {
    const known = statuses.get(id)
    return known && known.state === states[state] ? known : readContainer({ id, podSandboxId })
  }

  async function readContainer({ id, podSandboxId }: Pick<Container, 'id' | 'podSandboxId'>): Promise<RuntimeContainer> {
    const { status } = await cri.call('ContainerStatus', { containerId: id })
    const message = status.state === 'CONTAINER_EXITED' ? await readMessage(status) : ''
    const made = fromStatus(status, podSandboxId, message)
    statuses.set(id, made)
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
      return newestFirst({ sandboxes, containers: read })
    },
    /** What was just made needs no listing of what was there before. */
    async readMade(before: PodRuntime, { sandboxes, containers }: Made): Promise<PodRuntime> {
      const [newSandboxes, newContainers] = await Promise.all([
        presentOnly([...sandboxes], readSandbox),
        presentOnly([...containers], ([id, podSandboxId]) => readContainer({ id, podSandboxId })),
      ])
      return newestFirst({
        sandboxes: [...newSandboxes, ...before.sandboxes.filter(({ id }) => !sandboxes.has(id))],
        containers: [...newContainers, ...before.containers.filter(({ id }) => !containers.has(id))],
      })
    },
    forget(runtime: PodRuntime) {
      for (const { id } of runtime.sandboxes) sandboxIps.delete(id)
      for (const { id } of runtime.containers) statuses.delete(id)
    },
  }
}

/** Ids of sandboxes, and of containers with the sandbox of each. */
export interface Made {
  sandboxes: Set<string>
  containers: Map<string, string>
}

const newestFirst = ({ sandboxes, containers }: PodRuntime): PodRuntime => ({
  sandboxes: sandboxes.toSorted((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs),
  containers: containers.toSorted((a, b) => b.createdAtMs - a.createdAtMs),
})

type SandboxFacts = Pick<PodSandbox, 'id' | 'metadata' | 'state' | 'createdAt'>

const fromSandbox = ({ id, metadata, state, createdAt }: SandboxFacts, ips: readonly string[]): RuntimeSandbox => ({
  id,
  attempt: metadata.attempt,
  ready: state === 'SANDBOX_READY',
  createdAtMs: toMs(createdAt),
  ips,
})

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
