/** How many replicas one metric asks for, from what was measured: upstream's replica calculator. Pure. */
import type { Pod } from '../../../api/generated/types.ts'
import { quantityMilliValue } from '../../../api/quantity.ts'
import { isReady, readyCondition } from '../../pods.ts'

export interface Sample {
  milli: number
  at: number
  windowMs: number
}

/** What a metrics API answered: one sample a pod, one number, or why there is none. */
export type Reading = { perPod: ReadonlyMap<string, Sample> } | { value: number } | { error: string }

export interface Basis {
  replicas: number
  pods: readonly Pod[]
  /** How far from the target is near enough, above and below it. */
  tolerance: { up: number; down: number }
  now: Date
}

export interface Proposal {
  replicas: number
  /** Milli units, a pod; percent of what was requested where that was the target. */
  average: number
  utilization?: number
}

/** The sentence becomes the condition's message. */
export class MetricError extends Error {
  override readonly name = 'MetricError'
}

const initializationMs = 5 * 60_000
const initialReadinessMs = 30_000

const isNear = (ratio: number, { up, down }: Basis['tolerance']): boolean => ratio >= 1 - down && ratio <= 1 + up

interface Groups {
  ready: number
  unready: Set<string>
  missing: Set<string>
  ignored: Set<string>
}

function groupPods(pods: readonly Pod[], samples: ReadonlyMap<string, Sample>, cpu: boolean, now: Date): Groups {
  const groups: Groups = { ready: 0, unready: new Set(), missing: new Set(), ignored: new Set() }
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata
    const sample = samples.get(name)
    if (deletionTimestamp || pod.status?.phase === 'Failed') groups.ignored.add(name)
    else if (pod.status?.phase === 'Pending') groups.unready.add(name)
    else if (!sample) groups.missing.add(name)
    else if (cpu && isWarmingUp(pod, sample, now)) groups.unready.add(name)
    else groups.ready++
  }
  return groups
}

/** A program that starts uses more processor than it will: that is no reason for more replicas. */
function isWarmingUp(pod: Pod, sample: Sample, now: Date): boolean {
  const condition = readyCondition(pod)
  if (!condition || !pod.status?.startTime) return true
  const started = Date.parse(pod.status.startTime)
  const changed = Date.parse(condition.lastTransitionTime ?? '')
  if (started + initializationMs > now.getTime()) return condition.status === 'False' || sample.at < changed + sample.windowMs
  return condition.status === 'False' && started + initialReadinessMs > changed
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0)

/** Against a share of what the pods request. */
export function forUtilization(
  resource: string,
  container: string | undefined,
  samples: ReadonlyMap<string, Sample>,
  target: number,
  basis: Basis,
): Proposal {
  const requests = new Map(basis.pods.map((pod) => [pod.metadata.name, requestOf(pod, resource, container)]))
  const measure = (values: ReadonlyMap<string, number>) => {
    const requested = sum([...values.keys()].map((name) => requests.get(name) ?? 0))
    if (requested === 0) throw new MetricError('no metrics returned matched known pods')
    const utilization = Math.trunc((sum(values.values()) * 100) / requested)
    return { ratio: utilization / target, utilization, average: Math.trunc(sum(values.values()) / values.size) }
  }
  return propose(samples, basis, resource === 'cpu', measure, (name) => requests.get(name) ?? 0)
}

/** Against an amount a pod. */
export function forAverage(resource: string, samples: ReadonlyMap<string, Sample>, target: number, basis: Basis): Proposal {
  const measure = (values: ReadonlyMap<string, number>) => {
    const average = Math.trunc(sum(values.values()) / values.size)
    return { ratio: average / target, average }
  }
  return propose(samples, basis, resource === 'cpu', measure, () => target)
}

type Measured = { ratio: number; average: number; utilization?: number }

function propose(
  samples: ReadonlyMap<string, Sample>,
  { replicas, pods, tolerance, now }: Basis,
  cpu: boolean,
  measure: (values: ReadonlyMap<string, number>) => Measured,
  full: (name: string) => number,
): Proposal {
  if (pods.length === 0) throw new MetricError('no pods returned by selector while calculating replica count')
  const { ready, unready, missing, ignored } = groupPods(pods, samples, cpu, now)
  const values = new Map([...samples].map(([name, { milli }]) => [name, milli]))
  for (const name of [...ignored, ...unready]) values.delete(name)
  if (values.size === 0) throw new MetricError('did not receive metrics for any ready pods')
  const { ratio, ...current } = measure(values)
  const stay = { replicas, ...current }
  const withUnready = unready.size > 0 && ratio > 1
  if (!withUnready && missing.size === 0)
    return isNear(ratio, tolerance) ? stay : { ...current, replicas: Math.ceil(ratio * ready) }
  // What is not known counts against the change: nothing when there would be more replicas, its full share when fewer.
  for (const name of missing) values.set(name, ratio < 1 ? full(name) : 0)
  if (withUnready) for (const name of unready) values.set(name, 0)
  const careful = measure(values).ratio
  if (isNear(careful, tolerance) || (ratio < 1 && careful > 1) || (ratio > 1 && careful < 1)) return stay
  const proposed = Math.ceil(careful * values.size)
  return (careful < 1 && proposed > replicas) || (careful > 1 && proposed < replicas) ? stay : { ...current, replicas: proposed }
}

function requestOf({ metadata, spec }: Pod, resource: string, container: string | undefined): number {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const counted = [...spec.containers, ...sidecars].filter(({ name }) => container === undefined || name === container)
  if (container !== undefined && counted.length === 0) {
    throw new MetricError(`container ${container} not present in metrics for pod ${metadata.namespace}/${metadata.name}`)
  }
  return sum(
    counted.map(({ name, resources }) => {
      const request = resources?.requests?.[resource]
      if (request === undefined)
        throw new MetricError(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`)
      return Number(quantityMilliValue(request))
    }),
  )
}

/** One number for all pods together. */
export function forValue(value: number, target: number, { replicas, pods, tolerance }: Basis): Proposal {
  const ratio = value / target
  if (replicas === 0) return { replicas: Math.ceil(ratio), average: value }
  if (isNear(ratio, tolerance)) return { replicas, average: value }
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isReady(pod)).length
  return { replicas: Math.ceil(ratio * ready), average: value }
}

/** One number, to be shared among the pods. */
export function forShare(value: number, target: number, current: number, { tolerance }: Basis): Proposal {
  const near = current > 0 && isNear(value / (target * current), tolerance)
  return { replicas: near ? current : Math.ceil(value / target), average: current > 0 ? Math.ceil(value / current) : value }
}
