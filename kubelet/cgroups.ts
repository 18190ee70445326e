/** The cgroups of pods: `<root>/kubepods[/burstable|/besteffort]/pod<uid>`, with limits at the pod where all containers have them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Container, Pod } from '../api/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../api/quantity.ts'
import { isSidecar } from './pod-spec.ts'
import { computeOomScoreAdj, computeQosClass } from './qos.ts'
import type { LinuxContainerResources } from './runtime/cri-types.ts'

const mountPoint = '/sys/fs/cgroup'
const cpuPeriod = 100_000
const minimumQuota = 1000
const minimumShares = 2

export const milliToShares = (milli: number): number =>
  milli === 0 ? minimumShares : Math.max(minimumShares, Math.floor((milli * 1024) / 1000))
export const milliToQuota = (milli: number): number =>
  milli === 0 ? 0 : Math.max(minimumQuota, Math.floor((milli * cpuPeriod) / 1000))

export function toContainerResources(pod: Pod, container: Container, memoryCapacity: number): LinuxContainerResources {
  const { requests, limits } = container.resources ?? {}
  // A limit without a request is a request of the same size.
  const cpuRequest = quantityMilliValue(requests?.cpu ?? limits?.cpu ?? '0')
  return {
    cpuPeriod,
    cpuQuota: milliToQuota(quantityMilliValue(limits?.cpu ?? '0')),
    cpuShares: milliToShares(cpuRequest),
    memoryLimitInBytes: quantityValue(limits?.memory ?? '0'),
    oomScoreAdj: computeOomScoreAdj(pod, container, memoryCapacity),
  }
}

export interface PodCgroupLimits {
  cpuShares: number
  cpuQuota: number
  memoryLimit: number
}

/** 0 means no limit: one container without a limit leaves the pod without one. */
export function computePodLimits(pod: Pod): PodCgroupLimits {
  const long = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]
  const brief = (pod.spec.initContainers ?? []).filter((container) => !isSidecar(container))
  const total = (pick: (container: Container) => number) =>
    Math.max(
      long.reduce((sum, container) => sum + pick(container), 0),
      ...brief.map(pick),
      0,
    )
  const limited = (name: string) => [...long, ...brief].every(({ resources }) => resources?.limits?.[name] !== undefined)
  const limit = (name: string, value: (text: string) => number) =>
    limited(name) ? total(({ resources }) => value(resources?.limits?.[name] ?? '0')) : 0
  return {
    cpuShares: milliToShares(
      total(({ resources }) => quantityMilliValue(resources?.requests?.cpu ?? resources?.limits?.cpu ?? '0')),
    ),
    cpuQuota: milliToQuota(limit('cpu', quantityMilliValue)),
    memoryLimit: limit('memory', quantityValue),
  }
}

export interface Cgroups {
  /** The parent that a pod's sandbox and containers are made under. */
  parentOf(pod: Pod): string
  create(pod: Pod): void
  /** Lets a pod have what it is about to get, and keeps what it still has. */
  raise(pod: Pod): void
  remove(pod: Pod): void
  /** How many processes and threads the pod has; 0 when they are not counted. */
  processes(pod: Pod): number
}

export function createCgroups(root: string): Cgroups {
  // The unified tree counts only when it carries controllers; a bare mount of it beside version 1 does not.
  const unified = readController(path.join(mountPoint, 'cgroup.controllers')) !== ''
  const parentOf = (pod: Pod) => {
    const qos = computeQosClass(pod)
    const tier = qos === 'Guaranteed' ? '' : qos.toLowerCase()
    return path.posix.join('/', root, 'kubepods', tier, `pod${pod.metadata.uid}`)
  }
  const controllers = unified ? [''] : readdirIfThere(mountPoint)
  return {
    parentOf,
    create: (pod) => write(pod, false),
    raise: (pod) => write(pod, true),
    processes: (pod) => Number(readController(path.join(mountPoint, unified ? '' : 'pids', parentOf(pod), 'pids.current'))),
    remove(pod) {
      for (const controller of controllers) removeTree(path.join(mountPoint, controller, parentOf(pod)))
    },
  }

  /** The runtime makes the groups that need no value; only limits of the pod as a whole are written here. */
  function write(pod: Pod, onlyRaise: boolean): void {
    const { cpuShares, cpuQuota, memoryLimit } = computePodLimits(pod)
    const set = (controller: string, file: string, value: string | number) => {
      const directory = path.join(mountPoint, unified ? '' : controller, parentOf(pod))
      mkdirSync(directory, { recursive: true })
      const target = path.join(directory, file)
      if (!onlyRaise || isSmaller(readController(target), String(value))) writeFileSync(target, String(value))
    }
    if (unified) {
      enableControllers(parentOf(pod))
      set('', 'cpu.weight', Math.floor(1 + ((cpuShares - 2) * 9999) / 262142))
      if (cpuQuota) set('', 'cpu.max', `${cpuQuota} ${cpuPeriod}`)
      if (memoryLimit) set('', 'memory.max', memoryLimit)
      return
    }
    set('cpu', 'cpu.shares', cpuShares)
    if (cpuQuota) set('cpu', 'cpu.cfs_quota_us', cpuQuota)
    if (memoryLimit) set('memory', 'memory.limit_in_bytes', memoryLimit)
  }
}

/** `-1` and `max` are no limit. */
const isSmaller = (current: string, wanted: string): boolean =>
  current !== '-1' && !current.startsWith('max') && Number.parseInt(current, 10) < Number.parseInt(wanted, 10)

/** Version 2: a group's children have the controllers that the group hands on. */
function enableControllers(target: string): void {
  let directory = mountPoint
  for (const part of ['', ...target.split('/').filter(Boolean).slice(0, -1)]) {
    directory = path.join(directory, part)
    mkdirSync(directory, { recursive: true })
    writeFileSync(path.join(directory, 'cgroup.subtree_control'), '+cpu +memory +pids')
  }
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(path.join(directory, entry.name))
  rmdirSync(directory)
}

const readController = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')
const readdirIfThere = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    : []
