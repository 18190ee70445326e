/** The in-memory API with what a kubelet counts on: strategic patches, tokens, and pods that are deleted gracefully. */
import type { Node, Pod, SubjectAccessReview } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import type { KubeObject, New } from '../../api/object.ts'
import { applyStrategicMergePatch } from '../../api/patch/strategic-merge.ts'
import { createMemoryApiClient, type MemoryApiClient } from '../../client/memory-api-client.ts'

export interface TestApi extends MemoryApiClient {
  createPod(name: string, spec: Partial<Pod['spec']>, metadata?: Partial<Pod['metadata']>): Promise<Pod>
  /** What `kubectl delete pod` does. */
  deletePod(name: string, graceSeconds?: number): Promise<void>
  /** Resolves with the first version of the pod that satisfies; rejects after `timeoutMs`. */
  waitForPod(name: string, satisfies: (pod: Pod) => boolean, timeoutMs?: number): Promise<Pod>
  waitForNoPod(name: string, timeoutMs?: number): Promise<void>
  /** Resolves when the node is registered with what it has. */
  waitForNode(name: string): Promise<void>
}

const namespace = 'default'
/** Longer than anything takes on a machine that others use too: a wait ends when what it is for has come. */
const patienceMs = 120_000
/** Stands for the API server's own rule that a pod with a grace period waits for its kubelet. */
const graceFinalizer = 'test/grace'

export function createTestApi(nodeName: string): TestApi {
  let tokens = 0
  const memory = createMemoryApiClient({
    patchers: {
      'application/strategic-merge-patch+json': (object, patch) =>
        applyStrategicMergePatch(object as unknown as JsonObject, patch, 'Pod') as unknown as KubeObject,
    },
  })
  const api: TestApi = {
    ...memory,
    // The kubelet asks who may ask it: here its API server may, and nobody else.
    async raw(method, path, options) {
      if (!path.endsWith('/subjectaccessreviews')) return memory.raw(method, path, options)
      const { spec } = options!.body as SubjectAccessReview
      return { status: { allowed: spec.user === 'kube-apiserver-kubelet-client' } } as never
    },
    async createSubresource(kind, key, subresource, body, options) {
      if (subresource !== 'token') return memory.createSubresource(kind, key, subresource, body, options)
      const { spec } = body as { spec: { expirationSeconds: number } }
      const expirationTimestamp = new Date(Date.now() + spec.expirationSeconds * 1000).toISOString()
      return { status: { token: `token-${++tokens}`, expirationTimestamp } } as never
    },
    async delete(kind, key, options) {
      if (kind === 'Pod')
        await memory.patch('Pod', key, { metadata: { finalizers: null } }, { type: 'application/merge-patch+json' })
      // Without its last finalizer a pod that was marked is gone.
      const left = await memory.list(kind, { namespace: key.namespace })
      if (left.items.some(({ metadata }) => metadata.name === key.name)) await memory.delete(kind, key, options)
    },
    createPod: (name, spec, metadata = {}) =>
      memory.create('Pod', { metadata: { namespace, name, ...metadata }, spec: { nodeName, ...spec } } as New<Pod>),
    async deletePod(name, graceSeconds) {
      const pod = await memory.get('Pod', { namespace, name })
      const deletionGracePeriodSeconds = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
      const patch = { metadata: { finalizers: [graceFinalizer], deletionGracePeriodSeconds } }
      await memory.patch('Pod', { namespace, name }, patch, { type: 'application/merge-patch+json' })
      await memory.delete('Pod', { namespace, name })
    },
    waitForPod: (name, satisfies, timeoutMs = patienceMs) =>
      waitFor(memory, name, timeoutMs, (pod) => (pod && satisfies(pod) ? pod : undefined)),
    waitForNoPod: async (name, timeoutMs = patienceMs) => {
      await waitFor(memory, name, timeoutMs, (pod) => (pod ? undefined : true))
    },
    async waitForNode(name) {
      const fieldSelector = `metadata.name=${name}`
      const isThere = (node: Node) => node.status?.allocatable !== undefined
      const { items, metadata } = await memory.list('Node', { fieldSelector })
      if (items.some(isThere)) return
      const signal = AbortSignal.timeout(patienceMs)
      const changes = memory.watch('Node', { fieldSelector, resourceVersion: metadata.resourceVersion, signal })
      for await (const { object } of changes) if (isThere(object)) return
      throw new Error(`Node ${name} was not registered within ${patienceMs} ms`)
    },
  }
  return api
}

async function waitFor<T>(
  memory: MemoryApiClient,
  name: string,
  timeoutMs: number,
  check: (pod: Pod | undefined) => T | undefined,
): Promise<T> {
  const stop = AbortSignal.timeout(timeoutMs)
  const { items, metadata } = await memory.list('Pod', { namespace, fieldSelector: `metadata.name=${name}` })
  const first = check(items[0])
  if (first) return first
  let last: Pod | undefined = items[0]
  const scope = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion: metadata.resourceVersion, signal: stop }
  for await (const { type, object } of memory.watch('Pod', scope)) {
    last = object
    const result = check(type === 'DELETED' ? undefined : object)
    if (result) return result
  }
  const events = (await memory.list('Event')).items.filter(({ involvedObject }) => involvedObject.name === name)
  const told = events.map(({ reason, message }) => `${reason}: ${message}`).join('\n')
  throw new Error(
    `Pod ${name} did not get there within ${timeoutMs} ms; its status is ${JSON.stringify(last?.status, null, 1)}\n${told}`,
  )
}

export const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
