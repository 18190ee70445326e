/** metadata.managedFields: one entry for each manager, way of writing and subresource, in upstream's order. */
import type { ManagedFieldsEntry } from '../generated/types.ts'
import { isEmptySet, union, type FieldSet } from './field-set.ts'

export interface Manager {
  name: string
  operation: 'Apply' | 'Update'
  apiVersion: string
  subresource: string
}

export interface ManagedSet extends Manager {
  fields: FieldSet
  time: string | undefined
}

/** Upstream keeps this many updaters apart; the oldest above that become one. */
const MAXIMUM_UPDATERS = 10
const ANCIENT = 'ancient-changes'

export const readManagedFields = (entries: readonly ManagedFieldsEntry[] | undefined): ManagedSet[] =>
  (entries ?? []).map(({ manager = '', operation, apiVersion = '', subresource = '', time, fieldsV1 }) => ({
    name: manager,
    operation: operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion,
    subresource,
    time,
    fields: (fieldsV1 ?? {}) as FieldSet,
  }))

/** An applier is the same whatever version it speaks; an updater is another one in each version. */
export const isSameManager = (a: Manager, b: Manager): boolean =>
  a.name === b.name &&
  a.operation === b.operation &&
  a.subresource === b.subresource &&
  (a.operation === 'Apply' || a.apiVersion === b.apiVersion)

export const writeManagedFields = (sets: readonly ManagedSet[]): ManagedFieldsEntry[] =>
  capUpdaters(sets.filter(({ fields }) => !isEmptySet(fields)))
    .sort(byUpstreamOrder)
    .map(({ name, operation, apiVersion, time, fields, subresource }) => ({
      manager: name,
      operation,
      apiVersion,
      ...(time !== undefined && { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: fields,
      ...(subresource && { subresource }),
    }))

function byUpstreamOrder(a: ManagedSet, b: ManagedSet): number {
  return (
    compare(a.operation, b.operation) ||
    compare(a.time ?? '', b.time ?? '') ||
    compare(a.name, b.name) ||
    compare(a.apiVersion, b.apiVersion) ||
    compare(a.subresource, b.subresource)
  )
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function capUpdaters(sets: ManagedSet[]): ManagedSet[] {
  const updaters = sets.filter(({ operation }) => operation === 'Update')
  const excess = updaters.length - MAXIMUM_UPDATERS
  if (excess <= 0) return sets
  const oldest = updaters.toSorted((a, b) => compare(a.time ?? '', b.time ?? '')).slice(0, excess + 1)
  const merged = new Map<string, ManagedSet>()
  for (const set of oldest) {
    const known = merged.get(set.apiVersion)
    merged.set(set.apiVersion, {
      ...set,
      name: ANCIENT,
      subresource: '',
      fields: known ? union(known.fields, set.fields) : set.fields,
      time: set.time ?? known?.time,
    })
  }
  return [...sets.filter((set) => !oldest.includes(set)), ...merged.values()]
}

/** As conflict messages name a manager: `"kubectl" with subresource "status" using apps/v1`. */
export function printManager({ name, operation, apiVersion, subresource }: Manager): string {
  const who = JSON.stringify(name) + (subresource && ` with subresource ${JSON.stringify(subresource)}`)
  return operation === 'Apply' ? who : `${who} using ${apiVersion}`
}
