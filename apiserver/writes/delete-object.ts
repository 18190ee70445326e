/** Carries out a deletion against the store, again when another writer was faster. */
import { conflict, isNotFound, notFound } from '../../api/status.ts'
import { admissionAttributes, createAdmission } from '../admission/admission-chain.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import type { Stored } from './create-object.ts'
import type { DeleteOptions } from './delete-options.ts'
import { planDeletion } from './plan-deletion.ts'
import { keyFor } from '../served-resources.ts'
import type { Entry } from '../storage/store.ts'
import type { WriteOptions } from './write-options.ts'
import { isRefusal, recordWrite, withHold, writeContext } from './write-steps.ts'

const ATTEMPTS = 64

export type Deleted = { removed: boolean } & Stored

export async function deleteObject(
  context: ApiContext,
  request: ResourceRequest,
  options: DeleteOptions & Pick<WriteOptions, 'cause'>,
  namespace: string,
  name: string,
): Promise<Deleted> {
  const { store } = context
  const { definition, prefix } = request.resource
  const { group, plural } = definition.names
  const key = keyFor(prefix, namespace, name)
  let current = store.get(key)
  if (!current) {
    await store.current()
    current = store.get(key)
  }
  for (let attempt = 0; attempt < ATTEMPTS && current; attempt++) {
    try {
      const done = await attemptDelete(context, request, options, current)
      if (!('lost' in done)) return done
      current = done.lost
    } catch (error) {
      if (attempt > 0 || !isRefusal(error)) throw error
      // A refusal about an older version than the newest is none yet.
      const seen = current?.revision
      await store.current()
      current = store.get(key)
      if (current?.revision === seen) throw error
    }
  }
  throw current ? conflict(group, plural, name) : notFound(group, plural, name)
}

async function attemptDelete(
  context: ApiContext,
  request: ResourceRequest,
  options: DeleteOptions & Pick<WriteOptions, 'cause'>,
  current: Entry,
): Promise<Deleted | { lost: Entry | undefined }> {
  const { definition } = request.resource
  const old = current.object()
  const plan = planDeletion(definition, old, options, context.now())
  const attributes = admissionAttributes(request, 'DELETE', options.dryRun, undefined, old, options)
  attributes.name = current.name
  const admission = createAdmission(context, attributes)
  await admission.admit()
  await admission.validate()

  if (plan.do === 'wait') return { removed: false, entry: current }
  if (options.dryRun) return { removed: plan.do === 'remove', dryRun: plan.do === 'mark' ? plan.object : old }
  const writeOptions = { ...options, fieldManager: '' }
  if (plan.do === 'mark') {
    const marked = await context.store.update(current.key, plan.object, current.revision)
    if (!marked.ok) return { lost: marked.current }
    recordWrite(context, request, writeOptions, marked.entry)
    return { removed: false, entry: marked.entry }
  }
  let lost: Entry | undefined
  const hold = await definition.beforeStore?.(undefined, old, writeContext(context, false))
  const gone = await withHold(hold, false, async () => {
    const result = await context.store.delete(current.key, current.revision)
    if (!result.ok) lost = result.current
    return result.ok ? result.entry : undefined
  })
  if (!gone) return { lost }
  recordWrite(context, request, writeOptions, gone)
  return { removed: true, entry: gone }
}

/** For many at once: what is gone already was not ours to delete. */
export async function deleteIfPresent(...parameters: Parameters<typeof deleteObject>): Promise<void> {
  try {
    await deleteObject(...parameters)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
