/** Semantic equality of JSON values: absent, null and empty lists are alike, as upstream compares objects; so are empty maps. */

/**
 * Members that are maps: empty ones mean what absent ones mean. Any other empty object stands for a choice that was made
 * (`emptyDir: {}`, `namespaceSelector: {}`) and is not the same as none.
 */
const MAPS = new Set([
  'annotations',
  'binaryData',
  'capacity',
  'data',
  'default',
  'defaultRequest',
  'hard',
  'labels',
  'limits',
  'matchLabels',
  'max',
  'min',
  'nodeSelector',
  'overhead',
  'parameters',
  'requests',
])

/** Quantities and times are compared as written: they are canonical by the time objects are compared. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isEmpty(a)) return isEmpty(b)
  if (isEmpty(b)) return false
  if (typeof a !== 'object' || typeof b !== 'object') return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!sameJson(a[i], b[i])) return false
    return true
  }
  return sameMembers(a as Record<string, unknown>, b as Record<string, unknown>)
}

function sameMembers(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  for (const key in a) if (!sameJson(a[key], b[key]) && !areEmptyMaps(key, a[key], b[key])) return false
  for (const key in b) if (!(key in a) && !isEmpty(b[key]) && !areEmptyMaps(key, undefined, b[key])) return false
  return true
}

const areEmptyMaps = (key: string, a: unknown, b: unknown): boolean => MAPS.has(key) && hasNoMembers(a) && hasNoMembers(b)

function hasNoMembers(value: unknown): boolean {
  if (value !== undefined && value !== null && typeof value !== 'object') return false
  for (const _ in value as object | undefined) return false
  return true
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null || (Array.isArray(value) && value.length === 0)
