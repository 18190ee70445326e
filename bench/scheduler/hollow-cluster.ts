/** Nodes without a kubelet, and pods that nobody starts: all that a scheduler looks at, on a real API server. */
import type { PodShape } from '../../scheduler/testing.ts'
import { isAlreadyExists, isNotFound } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { makeHollowNode, makeShapedPod, type Shape, type Sizes } from './shapes.ts'

export const namespace = 'bench'

const unless = (expected: (error: unknown) => boolean) => (error: unknown) => {
  if (!expected(error)) throw error
}

async function inParallel(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

export async function prepareCluster(client: ApiClient, nodes: number): Promise<void> {
  await client.create('Namespace', { metadata: { name: namespace }, spec: {} }).catch(unless(isAlreadyExists))
  // No controllers run: the service account that pods are given is made here.
  await client.create('ServiceAccount', { metadata: { namespace, name: 'default' } }).catch(unless(isAlreadyExists))
  await client.create('PriorityClass', { metadata: { name: 'bench-high' }, value: 1000 }).catch(unless(isAlreadyExists))
  await inParallel(nodes, async (index) => {
    const { metadata, spec, status } = makeHollowNode(index)
    const { uid: _, ...named } = metadata
    await client.create('Node', { metadata: named, spec }).catch(unless(isAlreadyExists))
    const type = 'application/merge-patch+json'
    await client.patch('Node', { name: metadata.name }, { status }, { type, subresource: 'status' })
    // A new node is tainted not-ready until its kubelet speaks up; these have none.
    await client.patch('Node', { name: metadata.name }, { spec: { taints: null } }, { type })
  })
}

async function createPod(client: ApiClient, name: string, shape: PodShape & { graceless?: boolean }): Promise<void> {
  const { metadata, spec } = makeShapedPod(name, shape)
  const { uid: _, ...named } = metadata
  const { priority, ...rest } = spec
  // Priorities have names; admission turns them into numbers.
  await client.create('Pod', { metadata: named, spec: { ...rest, ...(priority ? { priorityClassName: 'bench-high' } : {}) } })
}

export async function createEarlierPods(client: ApiClient, { before }: Shape, sizes: Sizes): Promise<void> {
  const earlier = before?.(sizes)
  if (earlier) await inParallel(earlier.count, (index) => createPod(client, `earlier-${index}`, earlier.pod(index)))
}

export const isTimed = (name: string): boolean => name.startsWith('pod-')

/** `created` hears of each as soon as the server has answered. */
export const createTimedPods = (client: ApiClient, shape: Shape, sizes: Sizes, created: (name: string) => void): Promise<void> =>
  inParallel(sizes.pods, async (index) => {
    const name = `pod-${index}`
    await createPod(client, name, shape.pod(index, sizes))
    created(name)
  })

export async function deletePods(client: ApiClient): Promise<void> {
  const { items } = await client.list('Pod', { namespace })
  await inParallel(items.length, async (index) => {
    const { name } = items[index]!.metadata
    await client.delete('Pod', { namespace, name }, { gracePeriodSeconds: 0 }).catch(unless(isNotFound))
  })
}
