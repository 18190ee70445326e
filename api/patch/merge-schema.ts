/** What merging must know of a field: how its list or map merges, and the model below it. */
import { listStrategy } from '../schema/list-strategies.ts'
import { hasModel, modelOf } from '../schema/models.ts'

export interface FieldMerge {
  /** The model of the map itself or of the list's items; undefined for plain values and free-form maps. */
  model: string | undefined
  strategy: 'merge' | 'replace' | undefined
  retainKeys: boolean
  /** Empty for lists of plain values. */
  mergeKey: string
}

const UNKNOWN: FieldMerge = { model: undefined, strategy: undefined, retainKeys: false, mergeKey: '' }
const cache = new Map<string, FieldMerge>()

/** Unknown models and fields merge as maps and replace as lists. */
export function fieldMerge(model: string | undefined, field: string): FieldMerge {
  if (model === undefined) return UNKNOWN
  const key = `${model}.${field}`
  let merge = cache.get(key)
  if (!merge) {
    merge = describe(model, field)
    if (merge !== UNKNOWN) cache.set(key, merge)
  }
  return merge
}

function describe(model: string, field: string): FieldMerge {
  const schema = hasModel(model) ? modelOf(model).fields[field] : undefined
  if (!schema) return UNKNOWN
  const { patch = [], mergeKey = '' } = listStrategy(model, field) ?? {}
  return {
    model: schema.ref ?? schema.items?.ref ?? schema.values?.ref,
    strategy: patch.includes('merge') ? 'merge' : patch.includes('replace') ? 'replace' : undefined,
    retainKeys: patch.includes('retainKeys'),
    mergeKey,
  }
}
