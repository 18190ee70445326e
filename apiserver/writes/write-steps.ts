/** Small steps that every kind of write takes. */
import type { FieldError } from '../../api/field-error.ts'
import type { KubeObject } from '../../api/object.ts'
import { ApiError, invalid } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import type { Hold, ResourceDefinition, WriteContext } from '../resources/resource.ts'
import type { Entry } from '../storage/store.ts'
import type { WriteOptions } from './write-options.ts'

export function throwIfInvalid({ names }: ResourceDefinition, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(names.group, names.kind, object.metadata.name ?? '', errors)
}

/** Kubernetes' times have whole seconds. */
export const toSeconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`

/**
 * Whether a write was refused, and so not done: perhaps because of a version that is no longer the newest, and then it may be tried on
 * that one. A store that failed may have done the write all the same: that is never tried again.
 */
export const isRefusal = (error: unknown): boolean => error instanceof ApiError && error.code < 500

export const writeContext = (context: ApiContext, dryRun: boolean): WriteContext => ({
  reader: context.admission.reader,
  services: context.services,
  dryRun,
})

/** Keeps what was reserved when `write` answers something, gives it back when it does not, is refused, or was a dry run. */
export async function withHold<T>(
  hold: Hold | undefined,
  dryRun: boolean,
  write: () => Promise<T | undefined>,
): Promise<T | undefined> {
  if (!hold) return write()
  let result: T | undefined
  try {
    result = await write()
  } catch (error) {
    // Else it may be in use. The repair gives back what is not.
    if (isRefusal(error)) await hold.rollback()
    throw error
  }
  await (result === undefined || dryRun ? hold.rollback() : hold.commit())
  return result
}

export function recordWrite(
  context: ApiContext,
  { info, resource, user }: ResourceRequest,
  options: WriteOptions,
  { namespace, name, uid, revision }: Entry,
): void {
  const { names } = resource.definition
  context.causeLog.record({
    actor: user.username,
    verb: info.verb,
    group: names.group,
    resource: names.plural,
    ...(info.subresource && { subresource: info.subresource }),
    ...(namespace && { namespace }),
    name,
    uid,
    revision,
    ...(options.cause && { cause: options.cause }),
  })
}
