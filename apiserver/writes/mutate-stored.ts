/** Changes a stored object outside the rules of its kind, as an endpoint with rules of its own does (binding, finalize, evict). */
import type { KubeObject } from '../../api/object.ts'
import { conflict, notFound } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import type { Entry } from '../storage/store.ts'
import type { WriteOptions } from './write-options.ts'
import { isRefusal, recordWrite } from './write-steps.ts'

const ATTEMPTS = 64

/**
 * `mutate` gets a copy of its own and changes it in place; it throws to refuse. What it refuses was the newest version. A dry run
 * mutates and stores nothing.
 */
export async function mutateStored(
  context: ApiContext,
  request: ResourceRequest,
  options: WriteOptions,
  key: string,
  mutate: (object: KubeObject) => void,
): Promise<KubeObject> {
  const { store } = context
  const { group, plural } = request.resource.definition.names
  let current: Entry | undefined = store.get(key)
  let isCurrent = false
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      if (!current) throw notFound(group, plural, request.info.name)
      const object = JSON.parse(current.bytes.toString()) as KubeObject
      mutate(object)
      if (options.dryRun) return object
      const result = await store.update(key, object, current.revision)
      if (result.ok) {
        recordWrite(context, request, options, result.entry)
        return result.entry.object()
      }
      current = result.current
      isCurrent = true
    } catch (error) {
      if (isCurrent || !isRefusal(error)) throw error
      await store.current()
      isCurrent = true
      current = store.get(key)
    }
  }
  throw conflict(group, plural, request.info.name)
}
