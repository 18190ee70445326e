/** Which of the default objects must be created, put right or removed: pure, from what exists to what to write. */
import type { KubeObject } from '../../api/object.ts'
import { sameJson } from '../resources/rules/same-json.ts'
import { AUTOUPDATE } from './bootstrap-objects.ts'

type Configuration = KubeObject & { spec: unknown }

export type BootstrapAction =
  | { do: 'create'; object: Configuration }
  | { do: 'update'; object: Configuration }
  | { do: 'delete'; object: Configuration }

/**
 * For the objects of one kind. One that is missing comes back. A mandatory one is always as it is here; a suggested one while its
 * annotation says `true`. Without the annotation it gets one: `true` if nobody has ever changed its spec. One that only an older
 * version had goes.
 */
export function planBootstrap(
  mandatory: readonly Configuration[],
  suggested: readonly Configuration[],
  present: readonly Configuration[],
): BootstrapAction[] {
  const byName = new Map(present.map((object) => [object.metadata.name, object]))
  const plan = (wanted: Configuration, always: boolean): BootstrapAction[] => {
    const current = byName.get(wanted.metadata.name)
    byName.delete(wanted.metadata.name)
    return current ? revise(wanted, current, always) : [{ do: 'create', object: structuredClone(wanted) }]
  }
  return [
    ...mandatory.flatMap((wanted) => plan(wanted, true)),
    ...suggested.flatMap((wanted) => plan(wanted, false)),
    ...[...byName.values()]
      .filter((object) => autoUpdate(object) === true)
      .map((object): BootstrapAction => ({ do: 'delete', object })),
  ]
}

function revise(wanted: Configuration, current: Configuration, always: boolean): BootstrapAction[] {
  const said = autoUpdate(current)
  const ours = always || (said ?? current.metadata.generation === 1)
  const spec = ours ? wantedSpec(wanted, current) : current.spec
  if (said === ours && sameJson(spec, current.spec)) return []
  const object = structuredClone(current)
  object.metadata.annotations = { ...object.metadata.annotations, [AUTOUPDATE]: String(ours) }
  if (!sameJson(spec, current.spec)) {
    object.spec = structuredClone(spec)
    object.metadata.generation = (current.metadata.generation ?? 0) + 1
  }
  return [{ do: 'update', object }]
}

/** What the exempt level counts for among the others is the administrator's to say. */
function wantedSpec(wanted: Configuration, current: Configuration): unknown {
  const { exempt } = current.spec as { exempt?: unknown }
  return exempt && (wanted.spec as { exempt?: unknown }).exempt ? { ...(wanted.spec as object), exempt } : wanted.spec
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** Undefined: it says nothing, or nothing that can be read. */
function autoUpdate({ metadata }: Configuration): boolean | undefined {
  const value = metadata.annotations?.[AUTOUPDATE] ?? ''
  return TRUE.has(value) ? true : FALSE.has(value) ? false : undefined
}
