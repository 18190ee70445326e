/** From two looks at counters to what was used between them, in the shape of metrics.k8s.io/v1beta1. Pure. */
import { formatTime } from '../../api/time.ts'
import type { Sample, Samples } from './read-samples.ts'

export interface Usage {
  timestamp: string
  window: string
  usage: { cpu: string; memory: string }
}

export interface PodUsage {
  timestamp: string
  window: string
  containers: { name: string; usage: Usage['usage'] }[]
}

/** Undefined where there is no earlier sample, or the counter began anew: a rate needs two of one life. */
export function usageBetween(before: Sample | undefined, after: Sample): Usage | undefined {
  if (!before || after.atMs <= before.atMs || after.cpuSeconds < before.cpuSeconds) return undefined
  const seconds = (after.atMs - before.atMs) / 1000
  return {
    timestamp: formatTime(new Date(after.atMs)),
    window: `${Number(seconds.toFixed(3))}s`,
    usage: {
      cpu: `${Math.round(((after.cpuSeconds - before.cpuSeconds) / seconds) * 1e9)}n`,
      memory: `${Math.round(after.memoryBytes / 1024)}Ki`,
    },
  }
}

/** Pods by `namespace/name`. One of whose containers there is no usage yet is left out: half a sum misleads. */
export function podUsages(before: Samples, after: Samples): Map<string, PodUsage> {
  const pods = new Map<string, PodUsage | undefined>()
  for (const [key, sample] of after) {
    if (key === '') continue
    const [namespace, name, container = ''] = key.split('/')
    const used = usageBetween(before.get(key), sample)
    const pod = `${namespace}/${name}`
    if (!used || (pods.has(pod) && !pods.get(pod))) {
      pods.set(pod, undefined)
      continue
    }
    const known = pods.get(pod) ?? { timestamp: used.timestamp, window: used.window, containers: [] }
    known.containers.push({ name: container, usage: used.usage })
    pods.set(pod, known)
  }
  return new Map([...pods].filter((entry): entry is [string, PodUsage] => entry[1] !== undefined))
}
