/** Which names a definition gets in its group: those that nobody else has; and the conditions that say so. Pure. */
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
} from '../../api/generated/types.ts'
import { deepEqual } from '../../api/json.ts'
import { aggregate } from '../../api/status.ts'

type Names = CustomResourceDefinitionNames
type Condition = CustomResourceDefinitionCondition

export interface Naming {
  names: Names
  /** Undefined: there is no conflict. */
  conflict: { reason: string; message: string } | undefined
}

/** Names that are taken in a group, by everybody else. */
interface Taken {
  resources: ReadonlySet<string>
  kinds: ReadonlySet<string>
}

export function takenBy(others: readonly Names[]): Taken {
  return {
    resources: new Set(others.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular ?? '', ...shortNames])),
    kinds: new Set(others.flatMap(({ kind, listKind }) => [kind, listKind ?? ''])),
  }
}

const inUse = (name: string) => `${JSON.stringify(name)} is already in use`

/** What cannot be had stays as it was accepted before; the last conflict found is the one that is told. */
export function acceptNames(requested: Names, accepted: Partial<Names>, { resources, kinds }: Taken): Naming {
  const names = { ...accepted } as Names
  let conflict: Naming['conflict']
  const take = (member: 'plural' | 'singular' | 'kind' | 'listKind', taken: ReadonlySet<string>, reason: string) => {
    const name = requested[member]
    if (name !== undefined && name !== accepted[member] && taken.has(name)) conflict = { reason, message: inUse(name) }
    else if (name === undefined) delete names[member]
    else names[member] = name
  }
  take('plural', resources, 'PluralConflict')
  take('singular', resources, 'SingularConflict')
  const short = (requested.shortNames ?? []).filter((name) => !accepted.shortNames?.includes(name) && resources.has(name))
  if (short.length > 0) conflict = { reason: 'ShortNamesConflict', message: aggregate(short.map(inUse)) }
  else if (requested.shortNames) names.shortNames = requested.shortNames
  else delete names.shortNames
  take('kind', kinds, 'KindConflict')
  take('listKind', kinds, 'ListKindConflict')
  if (requested.categories) names.categories = requested.categories
  else delete names.categories
  return { names, conflict }
}

const condition = (type: string, status: string, reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
})

/** The status as it should be; the same value when it is so already. */
export function statusWithNames(definition: CustomResourceDefinition, { names, conflict }: Naming, time: string) {
  const { status = {}, spec } = definition
  const named = conflict
    ? condition('NamesAccepted', 'False', conflict.reason, conflict.message)
    : condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found')
  let conditions = withCondition(status.conditions ?? [], named, time)
  // Once established, it stays: its objects are there.
  if (!isTrue(conditions, 'Established')) {
    const established = conflict
      ? condition('Established', 'False', 'NotAccepted', 'not all names are accepted')
      : condition('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted')
    conditions = withCondition(conditions, established, time)
  }
  const storedVersions = status.storedVersions ?? spec.versions.filter(({ storage }) => storage).map(({ name }) => name)
  const next = { ...status, conditions, acceptedNames: names, storedVersions }
  return deepEqual(next, status) ? status : next
}

/** In place of the one of its type; the time of its last change is kept while its status stays. */
export function withCondition(conditions: readonly Condition[], next: Condition, time: string): Condition[] {
  const old = conditions.find(({ type }) => type === next.type)
  const lastTransitionTime = old?.status === next.status && old.lastTransitionTime ? old.lastTransitionTime : time
  const dated = { ...next, lastTransitionTime }
  return old ? conditions.map((one) => (one.type === next.type ? { ...one, ...dated } : one)) : [...conditions, dated]
}

export const isTrue = (conditions: readonly Condition[] | undefined, wanted: string): boolean =>
  conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false
