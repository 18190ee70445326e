/** What a DELETE does to an object: take it out now, mark it and wait for its finalizers or its grace, or nothing more. Pure. */
import type { KubeObject } from '../../api/object.ts'
import { conflict } from '../../api/status.ts'
import type { DeleteOptions } from './delete-options.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { toSeconds } from './write-steps.ts'

export type Deletion = { do: 'remove' } | { do: 'mark'; object: KubeObject } | { do: 'wait' }

const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'

/** `old` is not changed. Throws 409 when a precondition fails. */
export function planDeletion(definition: ResourceDefinition, old: KubeObject, options: DeleteOptions, now: Date): Deletion {
  checkPreconditions(definition, old, options)
  if (isNamespace(definition)) return planNamespaceDeletion(old, now)

  const grace = graceOf(definition, old, options)
  if (grace === 'pending') return { do: 'wait' }
  const finalizers = finalizersAfter(definition, old, options)
  if (finalizers.length === 0 && (grace === undefined || grace.seconds === 0)) return { do: 'remove' }
  const metadata = { ...old.metadata, finalizers }
  if (finalizers.length === 0) delete (metadata as Partial<typeof metadata>).finalizers
  if (!metadata.deletionTimestamp && metadata.generation) metadata.generation++
  if (grace) {
    metadata.deletionTimestamp = toSeconds(new Date(grace.from(now) + grace.seconds * 1000))
    metadata.deletionGracePeriodSeconds = grace.seconds
  } else {
    if (!metadata.deletionTimestamp || Date.parse(metadata.deletionTimestamp) > now.getTime())
      metadata.deletionTimestamp = toSeconds(now)
    metadata.deletionGracePeriodSeconds = 0
  }
  return { do: 'mark', object: { ...old, metadata } }
}

function checkPreconditions({ names }: ResourceDefinition, { metadata }: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion } = preconditions
  if (names.kind === 'Namespace' && names.group === '') return checkNamespace(metadata, preconditions)
  const refuse = (what: string, asked: string, found: string | undefined, since: string) =>
    conflict(
      names.group,
      // Upstream puts the kind where a resource belongs, here only.
      names.kind,
      metadata.name,
      `the ${what} in the precondition (${asked}) does not match the ${what} in record (${found}). The object might have been ${since}`,
    )
  if (uid !== undefined && uid !== metadata.uid) throw refuse('UID', uid, metadata.uid, 'deleted and then recreated')
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw refuse('ResourceVersion', resourceVersion, metadata.resourceVersion, 'modified')
}

/** Upstream deletes namespaces in a way of their own, and words it as it does for writes. */
function checkNamespace({ name, uid, resourceVersion }: KubeObject['metadata'], asked: DeleteOptions['preconditions']): void {
  const refuse = (what: string, wanted: string, found: string | undefined) =>
    conflict('', 'namespaces', name, `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`)
  if (asked.uid !== undefined && asked.uid !== uid) throw refuse('UID', asked.uid, uid)
  if (asked.resourceVersion !== undefined && asked.resourceVersion !== resourceVersion)
    throw refuse('ResourceVersion', asked.resourceVersion, resourceVersion)
}

interface Grace {
  seconds: number
  /** When the grace began: a shorter one counts from the same moment. */
  from: (now: Date) => number
}

/** Undefined: goes without one. `pending`: a grace is running, and a client may only shorten it. */
function graceOf(
  { gracePeriodSeconds }: ResourceDefinition,
  { metadata, ...rest }: KubeObject,
  options: DeleteOptions,
): Grace | 'pending' | undefined {
  if (!gracePeriodSeconds) return undefined
  const { deletionTimestamp, deletionGracePeriodSeconds: running } = metadata
  if (!deletionTimestamp)
    return { seconds: gracePeriodSeconds({ ...rest, metadata }, options.gracePeriodSeconds), from: (now) => now.getTime() }
  if (!running) return undefined
  const asked = options.gracePeriodSeconds
  if (asked === undefined || asked >= running) return 'pending'
  return { seconds: asked, from: () => Date.parse(deletionTimestamp) - running * 1000 }
}

/** The finalizers that make the garbage collector orphan or delete the dependents first, as the policy wants it. */
function finalizersAfter(
  { defaultPropagation }: ResourceDefinition,
  { metadata }: KubeObject,
  { propagationPolicy }: DeleteOptions,
): string[] {
  const { finalizers = [] } = metadata
  const kept = finalizers.filter((one) => one !== ORPHAN && one !== FOREGROUND)
  const policy =
    propagationPolicy ??
    (finalizers.includes(ORPHAN)
      ? 'Orphan'
      : finalizers.includes(FOREGROUND)
        ? 'Foreground'
        : (defaultPropagation ?? 'Background'))
  if (policy === 'Orphan') return [...kept, ORPHAN]
  return policy === 'Foreground' ? [...kept, FOREGROUND] : kept
}

const isNamespace = ({ names }: ResourceDefinition) => names.kind === 'Namespace' && names.group === ''

/** A namespace ends in two steps: marked now, gone when its controller has emptied it and taken its finalizer off the spec. */
function planNamespaceDeletion(old: KubeObject, now: Date): Deletion {
  const { spec, status } = old as { spec?: { finalizers?: string[] }; status?: object }
  if (old.metadata.deletionTimestamp) {
    const held = (spec?.finalizers?.length ?? 0) > 0 || (old.metadata.finalizers?.length ?? 0) > 0
    return held ? { do: 'wait' } : { do: 'remove' }
  }
  const metadata = { ...old.metadata, deletionTimestamp: toSeconds(now) }
  return { do: 'mark', object: { ...old, metadata, status: { ...status, phase: 'Terminating' } } as KubeObject }
}
