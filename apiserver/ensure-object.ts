/** Objects that the server makes itself, past admission: completed as a create would, and left alone where there is one already. */
import { randomUUID } from 'node:crypto'
import { apiVersionOf, kindInfo, type KindName } from '../api/kinds.ts'
import type { KubeObject } from '../api/object.ts'
import type { ApiContext } from './api-context.ts'
import { prefixOfKind } from './cluster-reader.ts'
import { keyFor } from './served-resources.ts'
import { toSeconds } from './writes/write-steps.ts'

export type Bare = { metadata: { name: string; namespace?: string | undefined } }

/** Creates it when the name is free. Answers what is stored under it. */
export async function ensureObject(context: ApiContext, kind: KindName, object: Bare): Promise<KubeObject> {
  const key = keyFor(prefixOfKind(kind), object.metadata.namespace ?? '', object.metadata.name)
  const present = context.store.get(key)
  if (present) return present.object()
  const result = await context.store.create(key, complete(context, kind, object))
  return result.ok ? result.entry.object() : result.current!.object()
}

function complete(context: ApiContext, kind: KindName, object: Bare): KubeObject {
  const info = kindInfo(kind)
  const metadata = { ...object.metadata, uid: randomUUID(), creationTimestamp: toSeconds(context.now()) }
  const whole: KubeObject = { apiVersion: apiVersionOf(info), kind, ...object, metadata }
  const resource = context.resources.find(info.group, info.versions[0], info.plural)
  resource?.definition.setDefaults?.(whole)
  if (resource?.definition.generationChanges) whole.metadata.generation = 1
  return whole
}
