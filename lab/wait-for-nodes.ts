/** Waits, on a watch, until every node of a lab is Ready. */
import type { ApiClient } from '../client/api-client.ts'
import type { Node } from '../api/generated/types.ts'
import type { LabDefinition } from './definition.ts'

export const isReady = (node: Node): boolean =>
  node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

export const whereToLook = (lab: string): string =>
  `'kubelab status --lab ${lab}' shows the processes, 'kubelab lab-logs PROCESS --lab ${lab}' what they say`

/** Rejects with the names that are missing when the time is over. `onReady` hears of each node once. */
export async function waitForNodes(
  client: ApiClient,
  lab: LabDefinition,
  timeoutMs: number,
  onReady: (node: string) => void,
): Promise<void> {
  const missing = new Set(lab.nodes)
  const signal = AbortSignal.timeout(timeoutMs)
  const note = (node: Node) => {
    if (isReady(node) && missing.delete(node.metadata.name)) onReady(node.metadata.name)
  }
  try {
    const { items, metadata } = await client.list('Node', { signal })
    items.forEach(note)
    let { resourceVersion } = metadata
    while (missing.size > 0) {
      for await (const { type, object } of client.watch('Node', { resourceVersion, signal })) {
        if (type !== 'ADDED' && type !== 'MODIFIED') continue
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion
        note(object)
        if (missing.size === 0) return
      }
      signal.throwIfAborted()
    }
  } catch (error) {
    if (!signal.aborted) throw error
    throw new Error(
      `Cannot wait longer: not Ready after ${timeoutMs / 1000} s: ${[...missing].join(', ')}. ${whereToLook(lab.name)}`,
      { cause: error },
    )
  }
}
