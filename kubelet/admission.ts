/** Pure: whether this node can take a pod that was given to it; a pod that fits nowhere here fails, as upstream has it. */
import type { Pod } from '../api/generated/types.ts'
import { quantityMilliValue, quantityValue } from '../api/quantity.ts'
import { isCritical } from './eviction/rank.ts'
import type { NodePressure } from './eviction/thresholds.ts'
import type { Verdict } from './pods/pod-facts.ts'
import { isSidecar, isTerminal } from './pods/pod-spec.ts'
import { computeQosClass } from './qos.ts'

/** From the text of a quantity to the number that messages and sums are made of. */
export const measured = (name: string): ((text: string) => number) => (name === 'cpu' ? quantityMilliValue : quantityValue)

/** As the scheduler would have refused it; pods that name their node themselves never met the scheduler. */
export function planPlacement(pod: Pod, others: readonly Pod[], allocatable: Record<string, string>): Verdict | undefined {
  const taken = others.filter((other) => !isTerminal(other)).flatMap(hostPorts)
  const clash = hostPorts(pod).some((mine) => taken.some((theirs) => isSamePort(mine, theirs)))
  if (clash) return refuse('NodePorts', "node(s) didn't have free ports for the requested pod ports")
  return planAdmission(pod, others, allocatable)
}

/** A node under pressure takes no more of what would make it worse; pods that keep it alive it takes always. */
export function judgePressure(pod: Pod, pressures: ReadonlySet<NodePressure>): Verdict | undefined {
  if (pressures.size === 0 || isCritical(pod)) return undefined
  const tolerated = (pod.spec.tolerations ?? []).some(
    ({ key, effect, operator }) =>
      (!effect || effect === 'NoSchedule') && (key === 'node.kubernetes.io/memory-pressure' || (!key && operator === 'Exists')),
  )
  const onlyMemory = pressures.size === 1 && pressures.has('MemoryPressure')
  if (onlyMemory && (computeQosClass(pod) !== 'BestEffort' || tolerated)) return undefined
  const message = `The node had condition: [${[...pressures].join(' ')}]. `
  return { phase: 'Failed', reason: 'Evicted', message }
}

export const wrongNode = (): Verdict => refuse('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")

const refuse = (predicate: string, why: string): Verdict => ({
  phase: 'Failed',
  reason: predicate,
  message: `Predicate ${predicate} failed: ${why}`,
})

interface HostPort {
  ip: string
  protocol: string
  port: number
}

const anywhere = new Set(['', '0.0.0.0', '::'])

const hostPorts = ({ spec }: Pod): HostPort[] =>
  [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)].flatMap(({ ports = [] }) =>
    ports
      .filter(({ hostPort }) => hostPort)
      .map(({ hostIP = '', protocol = 'TCP', hostPort }) => ({ ip: hostIP, protocol, port: hostPort! })),
  )

const isSamePort = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || anywhere.has(a.ip) || anywhere.has(b.ip))

export function planAdmission(pod: Pod, others: readonly Pod[], allocatable: Record<string, string>): Verdict | undefined {
  const active = others.filter((other) => !isTerminal(other))
  const maxPods = Number(allocatable.pods ?? Infinity)
  if (active.length + 1 > maxPods) return reject('pods', 1, active.length, maxPods)
  for (const [name, wanted] of computeRequests(pod)) {
    // Extended resources that the kubelet knows nothing of are the scheduler's to count, as upstream has it.
    if (wanted === 0 || (allocatable[name] === undefined && name.includes('/'))) continue
    const capacity = measured(name)(allocatable[name] ?? '0')
    const used = active.reduce((sum, other) => sum + (computeRequests(other).get(name) ?? 0), 0)
    if (used + wanted > capacity) return reject(name, wanted, used, capacity)
  }
  return undefined
}

const reject = (name: string, requested: number, used: number, capacity: number): Verdict => ({
  phase: 'Failed',
  reason: `OutOf${name}`,
  message: `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
})

/** The larger of what runs together and what each init container needs beside the sidecars started before it. */
export function computeRequests({ spec }: Pod): Map<string, number> {
  const total = new Map<string, number>()
  const peak = new Map<string, number>()
  const list = (requests: Record<string, string> | undefined) =>
    Object.entries(requests ?? {}).map(([name, text]): [string, number] => [name, measured(name)(text)])
  const add = (requests: Record<string, string> | undefined) => {
    for (const [name, value] of list(requests)) total.set(name, (total.get(name) ?? 0) + value)
  }
  const raise = (requests: Iterable<[string, number]>, base = new Map<string, number>()) => {
    for (const [name, value] of requests) peak.set(name, Math.max(peak.get(name) ?? 0, value + (base.get(name) ?? 0)))
  }
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) {
      add(container.resources?.requests)
      raise(total)
    } else raise(list(container.resources?.requests), total)
  }
  for (const container of spec.containers) add(container.resources?.requests)
  raise(total)
  // What the pod asks for as a whole stands for what its containers ask for.
  for (const [name, value] of list(spec.resources?.requests)) peak.set(name, value)
  for (const [name, value] of list(spec.overhead)) peak.set(name, (peak.get(name) ?? 0) + value)
  return peak
}
