/** Lists of an applied configuration whose items have names: each must have one, and its own. Complaints in the words of upstream's merge library. */
import { isJsonObject, type Json } from '../json.ts'
import { printElement } from './field-set.ts'
import { itemElement, type MergeType } from './merge-type.ts'

type ListType = MergeType & { kind: 'set' | 'list-map' }

/** `path` as upstream prints it: `.spec.containers[name="c"]`. */
export function checkLists(value: Json, type: MergeType, path = ''): string[] {
  if (type.kind === 'map' && isJsonObject(value))
    return Object.entries(value).flatMap(([name, member]) => checkLists(member, type.field(name), `${path}.${name}`))
  return (type.kind === 'set' || type.kind === 'list-map') && Array.isArray(value) ? checkItems(value, type, path) : []
}

function checkItems(items: readonly Json[], type: ListType, path: string): string[] {
  const complaints: string[] = []
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    const complaint = type.kind === 'set' ? complaintOfValue(item) : complaintOfKeys(item, type)
    // Without a name for the item there is none for what is in it.
    if (complaint !== undefined) return [...complaints, `${path}: element ${index}: ${complaint}`]
    const element = itemElement(item, type)
    const name = printElement(element)
    if (seen.has(element)) complaints.push(`${path}: duplicate entries for key ${name}`)
    seen.add(element)
    if (type.kind === 'list-map') complaints.push(...checkLists(item, type.items, path + name))
  }
  return complaints
}

function complaintOfValue(item: Json): string | undefined {
  if (item === null) return "associative list without keys has an element that's an explicit null"
  if (Array.isArray(item)) return 'not supported: associative list with lists as elements'
  return isJsonObject(item) ? "associative list without keys has an element that's a map type" : undefined
}

function complaintOfKeys(item: Json, { keys, defaults }: ListType & { kind: 'list-map' }): string | undefined {
  if (item === null) return 'associative list with keys may not have a null element'
  if (!isJsonObject(item)) return 'associative list with keys may not have non-map elements'
  if (keys.some((key) => item[key] !== undefined || defaults[key] !== undefined)) return undefined
  const names = keys.map((key) => JSON.stringify(key)).join(' ')
  return `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`
}
