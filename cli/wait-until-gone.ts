/** Waits until an object, the very one of this UID, is no more: by a watch, never by asking again and again. */
import { parseDuration } from '../api/duration.ts'
import { isNotFound } from '../api/status.ts'
import { CliError } from './errors.ts'
import { pathOf, type ResourceType } from './arguments/resource-types.ts'
import type { Session } from './session.ts'

interface Target {
  type: ResourceType
  name: string
  namespace: string | undefined
  /** Undefined: any object of this name. */
  uid: string | undefined
}

interface WithMetadata {
  metadata: { uid: string; resourceVersion: string }
}

/** False when it was not there to begin with. */
export async function waitUntilGone(session: Session, target: Target, timeout?: string): Promise<boolean> {
  const signal = timeout === undefined ? undefined : AbortSignal.timeout(parseDuration(timeout))
  try {
    return await untilGone(session, target, signal)
  } catch (error) {
    if (signal?.aborted) throw new CliError(`timed out waiting for the condition on ${target.type.plural}/${target.name}`)
    throw error
  }
}

async function untilGone(
  session: Session,
  { type, name, namespace, uid }: Target,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let wasThere = false; ; wasThere = true) {
    const found = await session.client
      .raw<WithMetadata>('GET', pathOf(type, { namespace, name }), signal ? { signal } : {})
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      })
    if (!found || (uid !== undefined && found.metadata.uid !== uid)) return wasThere
    const query = { fieldSelector: `metadata.name=${name}`, resourceVersion: found.metadata.resourceVersion }
    const events = session.client.watchPath<WithMetadata>(pathOf(type, { namespace }), { query, ...(signal && { signal }) })
    for await (const { type, object } of events) {
      if (type === 'DELETED' && (uid === undefined || object.metadata.uid === uid)) return true
      // An error ends the watch; so does the server after a while. Either way the object is looked at anew.
      if (type === 'ERROR') break
    }
  }
}
