/** A runtime that only pretends: containers start, run and end as they are told to, and nothing of it touches the machine. */
import { status as grpc } from '@grpc/grpc-js'
import { randomBytes } from 'node:crypto'
import { parseDuration } from '../../api/duration.ts'
import type { Clock } from '../../component/clock.ts'
import { noCgroups } from '../cgroups.ts'
import { noMounts } from '../volumes/file-systems.ts'
import { noImageContent } from './containerd-content.ts'
import { noImageMounts } from './containerd-snapshots.ts'
import type { EventListener } from './containerd-events.ts'
import type { Cri } from './cri-client.ts'
import type { Container, ContainerStatus, CriCalls, PodSandbox, PodSandboxStatus } from './cri-types.ts'
import type { Platform } from './platform.ts'

export interface HollowOptions {
  clock: Clock
  /** How long a sandbox, and then each container, takes to start. */
  startMs: number
  /** The share of starts that fail, from 0 to 1. */
  failureRate: number
  /** Where the addresses of pods come from: `10.1.2.0/24`. */
  podCidr: string
  random?: () => number
}

/** What a pod may ask of its containers by annotation: to end after a while, and with which code. */
export const hollowRunFor = 'kubelab/hollow-run-for'
export const hollowExitCode = 'kubelab/hollow-exit-code'

interface HollowSandbox extends PodSandbox {
  ip: string
}

type HollowContainer = ContainerStatus & { podSandboxId: string }

/** As the runtime's own errors look to a caller. */
function runtimeError(code: number, details: string): Error {
  return Object.assign(new Error(`${code} ${details}`), { code, details })
}

const newId = (): string => randomBytes(32).toString('hex')
const digest = (image: string): string => `sha256:${Buffer.from(image).toString('hex').padEnd(64, '0').slice(0, 64)}`

export function createHollowPlatform(options: HollowOptions): Platform {
  const listeners = new Set<EventListener>()
  const cri = createHollowCri(options, (containerId) => {
    for (const { onEvent } of listeners) onEvent({ type: 'exit', containerId })
  })
  return {
    cri,
    cgroups: noCgroups,
    mounts: noMounts,
    images: noImageMounts,
    content: noImageContent,
    // There is nothing to ask; a container that runs is well.
    probe: () => Promise.resolve(null),
    subscribe(listener) {
      listeners.add(listener)
      queueMicrotask(() => listener.onReset())
      return { connected: () => true, stop: () => void listeners.delete(listener) }
    },
  }
}

type Answers = { [N in keyof CriCalls]?: (request: CriCalls[N][0]) => CriCalls[N][1] | Promise<CriCalls[N][1]> }

/** What the runtime holds, and how containers start and end. */
interface Held {
  sandboxes: Map<string, HollowSandbox>
  containers: Map<string, HollowContainer>
  /** In nanoseconds. */
  now(): number
  /** Takes its time, and fails as often as it was told to. */
  pretendToStart(what: string): Promise<void>
  end(container: HollowContainer, exitCode: number): void
}

function createHeld({ clock, startMs, failureRate, random = Math.random }: HollowOptions, exited: (id: string) => void): Held {
  const now = () => clock.now().getTime() * 1e6
  return {
    sandboxes: new Map(),
    containers: new Map(),
    now,
    async pretendToStart(what) {
      if (startMs > 0) await clock.sleep(startMs)
      if (random() < failureRate) throw runtimeError(grpc.UNKNOWN, `failed to start ${what}: the hollow runtime was told to fail`)
    },
    end(container, exitCode) {
      if (container.state !== 'CONTAINER_RUNNING') return
      const reason = exitCode ? 'Error' : 'Completed'
      Object.assign(container, { state: 'CONTAINER_EXITED', exitCode, finishedAt: now(), reason })
      exited(container.id)
    },
  }
}

function createHollowCri(options: HollowOptions, exited: (id: string) => void): Cri {
  const held = createHeld(options, exited)
  const answers: Answers = {
    ...nothingToTell,
    ...sandboxAnswers(held, createAddresses(options.podCidr)),
    ...containerAnswers(held, options.clock),
    ...imageAnswers(),
  }
  return {
    async call(name, request) {
      const answer = answers[name]
      if (!answer) throw runtimeError(grpc.UNIMPLEMENTED, `a hollow node cannot ${name}`)
      return answer(request)
    },
    close() {},
  }
}

const nothingToTell: Answers = {
  Version: () => ({ runtimeName: 'hollow', runtimeVersion: '1.0.0', runtimeApiVersion: 'v1' }),
  Status: () => ({
    status: { conditions: ['RuntimeReady', 'NetworkReady'].map((type) => ({ type, status: true, reason: '', message: '' })) },
  }),
  UpdateContainerResources: () => ({}),
  UpdateRuntimeConfig: () => ({}),
  ReopenContainerLog: () => ({}),
  ExecSync: () => ({ stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), exitCode: 0 }),
  PodSandboxStats: () => ({ stats: null }),
  ListContainerStats: () => ({ stats: [] }),
  ImageFsInfo: () => ({ imageFilesystems: [] }),
}

function sandboxAnswers({ sandboxes, containers, now, pretendToStart, end }: Held, nextIp: () => string): Answers {
  return {
    async RunPodSandbox({ config }) {
      await pretendToStart('sandbox')
      const { metadata, labels, annotations } = config
      const ip = config.linux.securityContext.namespaceOptions.network === 'NODE' ? '' : nextIp()
      const id = newId()
      sandboxes.set(id, { id, metadata, labels, annotations, state: 'SANDBOX_READY', createdAt: now(), ip })
      return { podSandboxId: id }
    },
    StopPodSandbox({ podSandboxId }) {
      for (const container of containers.values()) if (container.podSandboxId === podSandboxId) end(container, 137)
      need(sandboxes, podSandboxId, 'sandbox').state = 'SANDBOX_NOTREADY'
      return {}
    },
    RemovePodSandbox({ podSandboxId }) {
      for (const { id } of inSandbox(containers, podSandboxId)) containers.delete(id)
      sandboxes.delete(podSandboxId)
      return {}
    },
    PodSandboxStatus: ({ podSandboxId }) => ({ status: toSandboxStatus(need(sandboxes, podSandboxId, 'sandbox')) }),
    ListPodSandbox: ({ filter }) => ({ items: [...sandboxes.values()].filter((sandbox) => matches(sandbox, filter)) }),
  }
}

function containerAnswers({ sandboxes, containers, now, pretendToStart, end }: Held, clock: Clock): Answers {
  return {
    CreateContainer({ podSandboxId, config }) {
      need(sandboxes, podSandboxId, 'sandbox')
      const id = newId()
      const { metadata, image, labels, annotations, logPath } = config
      containers.set(id, {
        ...{ id, podSandboxId, metadata, image, labels, annotations, logPath, imageRef: image.image, reason: '', message: '' },
        ...{ state: 'CONTAINER_CREATED', createdAt: now(), startedAt: 0, finishedAt: 0, exitCode: 0 },
      })
      return { containerId: id }
    },
    async StartContainer({ containerId }) {
      const container = need(containers, containerId, 'container')
      try {
        await pretendToStart('container')
      } catch (error) {
        Object.assign(container, { state: 'CONTAINER_EXITED', exitCode: 128, reason: 'StartError', finishedAt: now() })
        throw error
      }
      Object.assign(container, { state: 'CONTAINER_RUNNING', startedAt: now() })
      const { annotations } = need(sandboxes, container.podSandboxId, 'sandbox')
      const runFor = annotations[hollowRunFor]
      if (runFor) clock.setTimeout(() => end(container, Number(annotations[hollowExitCode] ?? 0)), parseDuration(runFor))
      return {}
    },
    StopContainer({ containerId, timeout }) {
      end(need(containers, containerId, 'container'), timeout > 0 ? 143 : 137)
      return {}
    },
    RemoveContainer({ containerId }) {
      containers.delete(containerId)
      return {}
    },
    ContainerStatus: ({ containerId }) => ({ status: { ...need(containers, containerId, 'container') } }),
    ListContainers: ({ filter }) => ({
      containers: [...containers.values()].filter((each) => matches(each, filter)).map(toListed),
    }),
  }
}

function imageAnswers(): Answers {
  const images = new Set<string>()
  return {
    ListImages: () => ({ images: [...images].map(toImage) }),
    ImageStatus: ({ image: { image } }) => ({ image: images.has(image) ? toImage(image) : null }),
    PullImage({ image: { image } }) {
      images.add(image)
      return { imageRef: digest(image) }
    },
    RemoveImage({ image: { image } }) {
      for (const name of images) if (name === image || digest(name) === image) images.delete(name)
      return {}
    },
  }
}

function need<T>(map: Map<string, T>, id: string, what: string): T {
  const found = map.get(id)
  if (!found) throw runtimeError(grpc.NOT_FOUND, `an error occurred when try to find ${what} "${id}": not found`)
  return found
}

const inSandbox = (containers: ReadonlyMap<string, HollowContainer>, sandboxId: string): HollowContainer[] =>
  [...containers.values()].filter(({ podSandboxId }) => podSandboxId === sandboxId)

const toListed = ({
  id,
  podSandboxId,
  metadata,
  image,
  imageRef,
  state,
  createdAt,
  labels,
  annotations,
}: HollowContainer): Container => ({ id, podSandboxId, metadata, image, imageRef, state, createdAt, labels, annotations })

const toSandboxStatus = ({ id, metadata, state, createdAt, ip }: HollowSandbox): PodSandboxStatus => ({
  id,
  metadata,
  state,
  createdAt,
  network: { ip, additionalIps: [] },
})

const toImage = (name: string) => ({
  id: digest(name),
  repoTags: [name],
  repoDigests: [`${name.replace(/:[^:/]+$/, '')}@${digest(name)}`],
  size: 1_000_000,
  uid: { value: 1000 },
  username: '',
})

type Filter = CriCalls['ListContainers'][0]['filter']

const matches = (item: { id: string; labels: Record<string, string> }, filter: Filter): boolean =>
  (!filter?.id || filter.id === item.id) &&
  Object.entries(filter?.labelSelector ?? {}).every(([name, value]) => item.labels[name] === value)

/** One after another, and from the beginning when the range is used up: these addresses lead nowhere. */
function createAddresses(cidr: string): () => string {
  const [base = '', bits = '24'] = cidr.split('/')
  const first = base.split('.').reduce((number, part) => number * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(bits))
  let used = 1
  return () => {
    used = used + 2 < size ? used + 1 : 2
    const address = first + used
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')
  }
}
