/** What a kubelet's /metrics/resource says of processor time and memory, as samples by container and for the node. Pure. */

export interface Sample {
  cpuSeconds: number
  memoryBytes: number
  atMs: number
}

/** Keys are `namespace/pod/container`, and `` for the node itself. */
export type Samples = ReadonlyMap<string, Sample>

const wanted: Record<string, 'cpuSeconds' | 'memoryBytes'> = {
  container_cpu_usage_seconds_total: 'cpuSeconds',
  container_memory_working_set_bytes: 'memoryBytes',
  node_cpu_usage_seconds_total: 'cpuSeconds',
  node_memory_working_set_bytes: 'memoryBytes',
}

export function readSamples(text: string, now: Date): Samples {
  const partial = new Map<string, Partial<Sample>>()
  for (const [, name = '', labels = '', value, atMs] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)(?: (\d+))?$/gm)) {
    const field = wanted[name]
    if (!field) continue
    const { namespace, pod, container } = Object.fromEntries(
      Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, label, content]) => [label, content]),
    )
    const key = name.startsWith('node_') ? '' : `${namespace}/${pod}/${container}`
    const sample = partial.get(key) ?? {}
    sample[field] = Number(value)
    if (field === 'cpuSeconds') sample.atMs = atMs === undefined ? now.getTime() : Number(atMs)
    partial.set(key, sample)
  }
  return new Map(
    [...partial].filter((entry): entry is [string, Sample] => {
      const [, { cpuSeconds, memoryBytes, atMs }] = entry
      return [cpuSeconds, memoryBytes, atMs].every((number) => Number.isFinite(number))
    }),
  )
}
