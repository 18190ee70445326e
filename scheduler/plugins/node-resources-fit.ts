/** NodeResourcesFit: what a pod requests must be free; scores by how full nodes are. */
import { lowerRequest, morePods } from '../lower-request.ts'
import { freesRoom, isNodeChange, MAX_SCORE, type Refusal, type SchedulerPlugin } from '../framework.ts'
import { createNodeInfo, type NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'

export interface FitArguments {
  scoringStrategy: {
    type: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio'
    resources: readonly { name: string; weight: number }[]
    requestedToCapacityRatio?: { shape: readonly { utilization: number; score: number }[] } | undefined
  }
  ignoredResources?: readonly string[]
  ignoredResourceGroups?: readonly string[]
}

export const defaultFitArguments: FitArguments = {
  scoringStrategy: {
    type: 'LeastAllocated',
    resources: [
      { name: 'cpu', weight: 1 },
      { name: 'memory', weight: 1 },
    ],
  },
}

const tooManyPods = 'Too many pods'

/** Null when everything fits. Final when the node could not take the pod even if it were empty. */
function checkFit({ requests }: PodInfo, node: NodeInfo, isIgnored: (resource: string) => boolean): Refusal | null {
  const { requested, allocatable } = node
  let reasons: string[] | undefined
  let final = false
  const check = (wanted: number, used: number, capacity: number, name: string) => {
    if (wanted <= capacity - used) return
    ;(reasons ??= []).push(`Insufficient ${name}`)
    if (wanted > capacity) final = true
  }
  if (node.pods.size + 1 > node.allowedPods) (reasons ??= []).push(tooManyPods)
  // A node that is overcommitted in a resource still takes pods that want none of it.
  if (requests.milliCpu > 0) check(requests.milliCpu, requested.milliCpu, allocatable.milliCpu, 'cpu')
  if (requests.memory > 0) check(requests.memory, requested.memory, allocatable.memory, 'memory')
  if (requests.ephemeralStorage > 0) {
    check(requests.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage, 'ephemeral-storage')
  }
  for (const [name, wanted] of requests.scalars) {
    if (wanted > 0 && !isIgnored(name)) check(wanted, requested.scalars.get(name) ?? 0, allocatable.scalars.get(name) ?? 0, name)
  }
  return reasons ? { reasons, final } : null
}

export function createNodeResourcesFit(args: FitArguments = defaultFitArguments): SchedulerPlugin {
  const ignored = new Set(args.ignoredResources)
  const groups = new Set(args.ignoredResourceGroups)
  const isIgnored = (name: string) => ignored.has(name) || groups.has(name.slice(0, Math.max(0, name.indexOf('/'))))
  const { resources } = args.scoringStrategy
  const rate = createRating(args.scoringStrategy)

  return {
    name: 'NodeResourcesFit',
    preFilter: (pod) => ({ check: (node) => checkFit(pod, node, isIgnored) }),
    preScore: (pod) => ({
      score(node) {
        let sum = 0
        let weights = 0
        for (const { name, weight } of resources) {
          const { requested, capacity } = usageWith(pod, node, name)
          if (capacity === 0) continue
          sum += rate(requested, capacity) * weight
          weights += weight
        }
        return weights === 0 ? 0 : Math.floor(sum / weights)
      },
    }),
    relax(pod, node) {
      const refusal = checkFit(pod, node, isIgnored)
      return [
        (refusal?.reasons ?? []).map((reason) =>
          reason === tooManyPods ? morePods(node) : lowerRequest(pod, node, reason.slice('Insufficient '.length)),
        ),
      ]
    },
    isHelpedBy: (pod, event) =>
      freesRoom(event) ||
      (event.kind === 'Pod' && event.type === 'update') ||
      // A node that could not take it if it were empty is no help.
      (isNodeChange(event) && event.kind === 'Node' && checkFit(pod, createNodeInfo(event.object), isIgnored) === null),
  }
}

/** With the pod on it; containers that ask for nothing weigh their default. */
function usageWith(pod: PodInfo, { nonZeroRequested, requested, allocatable }: NodeInfo, name: string) {
  switch (name) {
    case 'cpu':
      return { requested: nonZeroRequested.milliCpu + pod.nonZeroRequests.milliCpu, capacity: allocatable.milliCpu }
    case 'memory':
      return { requested: nonZeroRequested.memory + pod.nonZeroRequests.memory, capacity: allocatable.memory }
    case 'ephemeral-storage':
      return { requested: requested.ephemeralStorage + pod.requests.ephemeralStorage, capacity: allocatable.ephemeralStorage }
    default: {
      const wanted = pod.requests.scalars.get(name) ?? 0
      // A resource that the pod does not use says nothing about where it should go.
      if (wanted === 0) return { requested: 0, capacity: 0 }
      return { requested: (requested.scalars.get(name) ?? 0) + wanted, capacity: allocatable.scalars.get(name) ?? 0 }
    }
  }
}

function createRating({
  type,
  requestedToCapacityRatio,
}: FitArguments['scoringStrategy']): (requested: number, capacity: number) => number {
  if (type === 'LeastAllocated') {
    return (requested, capacity) => (requested > capacity ? 0 : Math.floor(((capacity - requested) * MAX_SCORE) / capacity))
  }
  if (type === 'MostAllocated') {
    return (requested, capacity) => Math.floor((Math.min(requested, capacity) * MAX_SCORE) / capacity)
  }
  // The shape's scores go to 10.
  const shape = (requestedToCapacityRatio?.shape ?? []).map(({ utilization, score }) => ({ x: utilization, y: score * 10 }))
  return (requested, capacity) => interpolate(shape, requested > capacity ? 100 : Math.floor((requested * 100) / capacity))
}

function interpolate(shape: readonly { x: number; y: number }[], x: number): number {
  const next = shape.findIndex((point) => x <= point.x)
  if (next < 0) return shape.at(-1)?.y ?? 0
  const to = shape[next]!
  const from = shape[next - 1]
  return from ? from.y + Math.trunc(((to.y - from.y) * (x - from.x)) / (to.x - from.x)) : to.y
}
