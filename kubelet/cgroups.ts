/** The cgroups of pods: `<root>/kubepods[/burstable|/besteffort]/pod<uid>`, with limits at the pod where all containers have them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Container, Pod } from '../api/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../api/quantity.ts'
import { computeRequests } from './admission.ts'
import { isSidecar } from './pods/pod-spec.ts'
import { computeOomScoreAdj, computeQosClass } from './qos.ts'
import type { LinuxContainerResources } from './runtime/cri-types.ts'

const cpuPeriod = 100_000
const minimumQuota = 1000
const minimumShares = 2

const milliToShares = (milli: number): number =>
  milli === 0 ? minimumShares : Math.max(minimumShares, Math.floor((milli * 1024) / 1000))
const milliToQuota = (milli: number): number => (milli === 0 ? 0 : Math.max(minimumQuota, Math.floor((milli * cpuPeriod) / 1000)))

export function toContainerResources(pod: Pod, container: Container, memoryCapacity: number): LinuxContainerResources {
  const { requests, limits } = container.resources ?? {}
  // What a container does not limit itself is limited by what the pod as a whole may have.
  const limit = (name: string) => limits?.[name] ?? pod.spec.resources?.limits?.[name] ?? '0'
  // A limit without a request is a request of the same size.
  const cpuRequest = quantityMilliValue(requests?.cpu ?? limits?.cpu ?? '0')
  return {
    cpuPeriod,
    cpuQuota: milliToQuota(quantityMilliValue(limit('cpu'))),
    cpuShares: milliToShares(cpuRequest),
    memoryLimitInBytes: quantityValue(limit('memory')),
    hugepageLimits: hugepageLimits(limits ?? {}),
    oomScoreAdj: computeOomScoreAdj(pod, container, memoryCapacity),
  }
}

/** `hugepages-2Mi: 4Mi` is `{ pageSize: '2MB', limit: 4194304 }` to the kernel. */
const hugepageLimits = (limits: Record<string, string>) =>
  Object.entries(limits).flatMap(([name, text]) => {
    const size = /^hugepages-(.+)$/.exec(name)?.[1]
    return size ? [{ pageSize: `${size.replace('i', '')}B`, limit: quantityValue(text) }] : []
  })

export interface PodCgroupLimits {
  cpuShares: number
  cpuQuota: number
  memoryLimit: number
}

/** 0 means no limit: one container without a limit leaves the pod without one, unless the pod as a whole has one. */
export function computePodLimits(pod: Pod): PodCgroupLimits {
  const whole = pod.spec.resources
  const long = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)]
  const brief = (pod.spec.initContainers ?? []).filter((container) => !isSidecar(container))
  const total = (pick: (container: Container) => number) =>
    Math.max(
      long.reduce((sum, container) => sum + pick(container), 0),
      ...brief.map(pick),
      0,
    )
  const overhead = (name: string, value: (text: string) => number) => value(pod.spec.overhead?.[name] ?? '0')
  const limited = (name: string) => [...long, ...brief].every(({ resources }) => resources?.limits?.[name] !== undefined)
  const limit = (name: string, value: (text: string) => number) => {
    const own = whole?.limits?.[name]
    if (own !== undefined) return overhead(name, value) + value(own)
    return limited(name) ? overhead(name, value) + total(({ resources }) => value(resources?.limits?.[name] ?? '0')) : 0
  }
  const cpuRequest = whole?.requests?.cpu
    ? quantityMilliValue(whole.requests.cpu)
    : total(({ resources }) => quantityMilliValue(resources?.requests?.cpu ?? resources?.limits?.cpu ?? '0'))
  return {
    cpuShares: milliToShares(overhead('cpu', quantityMilliValue) + cpuRequest),
    cpuQuota: milliToQuota(limit('cpu', quantityMilliValue)),
    memoryLimit: limit('memory', quantityValue),
  }
}

export interface CgroupUsage {
  usageCoreNanoSeconds: number
  usageBytes: number
  /** Without what the kernel would give up at once. */
  workingSetBytes: number
  rssBytes: number
}

export interface Cgroups {
  /** The parent that a pod's sandbox and containers are made under. */
  parentOf(pod: Pod): string
  create(pod: Pod): void
  /** Lets a pod have what it is about to get, and keeps what it still has. */
  raise(pod: Pod): void
  remove(pod: Pod): void
  /** What all pods together may take of the machine. */
  limitAll(limits: { cpuMilli: number; memoryBytes: number }): void
  /** Gives each class of pods its share of processor time when there is not enough for all. */
  balance(pods: readonly Pod[]): void
  /** How many processes and threads the pod has; 0 when they are not counted. */
  processes(pod: Pod): number
  /** Of all pods together; undefined where nobody counts. */
  usage(): CgroupUsage | undefined
}

/** For nodes that run nothing. */
export const noCgroups: Cgroups = {
  parentOf: () => '',
  create() {},
  raise() {},
  remove() {},
  limitAll() {},
  balance() {},
  processes: () => 0,
  usage: () => undefined,
}

export interface CgroupOptions {
  /** Processes and threads that one pod may have; unset: as many as the node. */
  podMaxPids?: number | undefined
  mountPoint?: string
}

export function createCgroups(root: string, { podMaxPids, mountPoint = '/sys/fs/cgroup' }: CgroupOptions = {}): Cgroups {
  // The unified tree counts only when it carries controllers; a bare mount of it beside version 1 does not.
  const unified = readIfThere(path.join(mountPoint, 'cgroup.controllers')) !== ''
  const podsRoot = path.posix.join('/', root, 'kubepods')
  /** What the classes were last shared out for. */
  let balancedMilli: number | undefined
  const parentOf = (pod: Pod) => {
    const qos = computeQosClass(pod)
    const tier = qos === 'Guaranteed' ? '' : qos.toLowerCase()
    return path.posix.join(podsRoot, tier, `pod${pod.metadata.uid}`)
  }
  const controllers = unified ? [''] : foldersOf(mountPoint)
  const fileOf = (group: string, controller: string, file: string) =>
    path.join(mountPoint, unified ? '' : controller, group, file)
  const read = (controller: string, file: string): string => readIfThere(fileOf(podsRoot, controller, file))

  /** Before any value of a group is set. */
  function prepare(group: string): void {
    if (unified) enableControllers(mountPoint, group)
  }

  /** 0 means no limit. */
  function set(group: string, setting: Setting, value: number, onlyRaise = false): void {
    if (value === 0) return
    const [controller, file] = unified ? ['', unifiedFiles[setting]] : versionOneFiles[setting]
    const target = fileOf(group, controller, file)
    mkdirSync(path.dirname(target), { recursive: true })
    const text = unified ? toUnified(setting, value) : String(value)
    if (!onlyRaise || isSmaller(readIfThere(target), text)) writeFileSync(target, text)
  }

  /** The runtime makes the groups that need no value; only limits of the pod as a whole are written here. */
  function write(pod: Pod, onlyRaise: boolean): void {
    const group = parentOf(pod)
    prepare(group)
    const { cpuShares, cpuQuota, memoryLimit } = computePodLimits(pod)
    set(group, 'cpuShares', cpuShares, onlyRaise)
    set(group, 'cpuQuota', cpuQuota, onlyRaise)
    set(group, 'memoryLimit', memoryLimit, onlyRaise)
    set(group, 'maxPids', podMaxPids ?? 0, onlyRaise)
  }

  return {
    parentOf,
    create: (pod) => write(pod, false),
    raise: (pod) => write(pod, true),
    processes: (pod) => Number(readIfThere(fileOf(parentOf(pod), 'pids', 'pids.current'))),
    remove(pod) {
      for (const controller of controllers) removeTree(path.join(mountPoint, controller, parentOf(pod)))
    },
    limitAll({ cpuMilli, memoryBytes }) {
      prepare(podsRoot)
      set(podsRoot, 'cpuShares', milliToShares(cpuMilli))
      set(podsRoot, 'memoryLimit', memoryBytes)
    },
    balance(pods) {
      const burstable = pods.filter((pod) => computeQosClass(pod) === 'Burstable')
      const milli = burstable.reduce((total, pod) => total + (computeRequests(pod).get('cpu') ?? 0), 0)
      if (milli === balancedMilli) return
      prepare(path.posix.join(podsRoot, 'burstable'))
      set(path.posix.join(podsRoot, 'burstable'), 'cpuShares', milliToShares(milli))
      set(path.posix.join(podsRoot, 'besteffort'), 'cpuShares', minimumShares)
      balancedMilli = milli
    },
    usage() {
      const cpu = unified
        ? Number(statOf(read('', 'cpu.stat'), 'usage_usec')) * 1000
        : Number(read('cpuacct', 'cpuacct.usage') || Number.NaN)
      const usageBytes = Number(read('memory', unified ? 'memory.current' : 'memory.usage_in_bytes') || Number.NaN)
      if (Number.isNaN(cpu) || Number.isNaN(usageBytes)) return undefined
      const memory = read('memory', 'memory.stat')
      const inactive = statOf(memory, unified ? 'inactive_file' : 'total_inactive_file') || 0
      const rssBytes = statOf(memory, unified ? 'anon' : 'total_rss') || 0
      return { usageCoreNanoSeconds: cpu, usageBytes, workingSetBytes: Math.max(0, usageBytes - inactive), rssBytes }
    },
  }
}

type Setting = 'cpuShares' | 'cpuQuota' | 'memoryLimit' | 'maxPids'

const versionOneFiles: Record<Setting, readonly [controller: string, file: string]> = {
  cpuShares: ['cpu', 'cpu.shares'],
  cpuQuota: ['cpu', 'cpu.cfs_quota_us'],
  memoryLimit: ['memory', 'memory.limit_in_bytes'],
  maxPids: ['pids', 'pids.max'],
}
const unifiedFiles: Record<Setting, string> = {
  cpuShares: 'cpu.weight',
  cpuQuota: 'cpu.max',
  memoryLimit: 'memory.max',
  maxPids: 'pids.max',
}

/** Version 2 has weights from 1 to 10,000 where version 1 has shares from 2 to 262,144. */
function toUnified(setting: Setting, value: number): string {
  if (setting === 'cpuShares') return String(Math.floor(1 + ((value - 2) * 9999) / 262142))
  return setting === 'cpuQuota' ? `${value} ${cpuPeriod}` : String(value)
}

const statOf = (text: string, name: string): number => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)

/** `-1` and `max` are no limit. */
const isSmaller = (current: string, wanted: string): boolean =>
  current !== '-1' && !current.startsWith('max') && !(Number.parseInt(current, 10) >= Number.parseInt(wanted, 10))

/** Version 2: a group's children have the controllers that the group hands on. */
function enableControllers(mountPoint: string, target: string): void {
  let directory = mountPoint
  for (const part of ['', ...target.split('/').filter(Boolean).slice(0, -1)]) {
    directory = path.join(directory, part)
    const isNew = !existsSync(directory)
    mkdirSync(directory, { recursive: true })
    const handedOn = isNew ? '' : readIfThere(path.join(directory, 'cgroup.subtree_control'))
    const missing = ['cpu', 'memory', 'pids'].filter((controller) => !handedOn.split(' ').includes(controller))
    if (missing.length > 0)
      writeFileSync(path.join(directory, 'cgroup.subtree_control'), missing.map((controller) => `+${controller}`).join(' '))
  }
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return
  for (const name of foldersOf(directory)) removeTree(path.join(directory, name))
  rmdirSync(directory)
}

const readIfThere = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')
const foldersOf = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    : []
