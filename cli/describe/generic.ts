/** Any object: its names, then its members as they are, with spaces in their names. */
import type { CoreEvent } from '../../api/generated/types.ts'
import { isJsonObject, type Json, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'

const SHOWN_ABOVE = new Set(['name', 'namespace', 'labels', 'annotations', 'managedFields'])

export function describeGeneric(object: KubeObject, events: readonly CoreEvent[], now: Date): string {
  const { metadata, apiVersion, kind, ...rest } = object as KubeObject & JsonObject
  const page = new Page()
  page.line(0, 'Name:', metadata.name)
  page.line(0, 'Namespace:', metadata.namespace ?? '')
  page.pairs(0, 'Labels', metadata.labels)
  page.annotations(0, metadata.annotations)
  page.line(0, 'API Version:', apiVersion)
  page.line(0, 'Kind:', kind)
  const others = Object.fromEntries(Object.entries(metadata).filter(([key]) => !SHOWN_ABOVE.has(key)))
  printMembers(page, 0, { metadata: others as JsonObject, ...(rest as JsonObject) })
  return describeEvents(page, events, now).toString()
}

const ACRONYMS = new Set(['API', 'GUID', 'OSB', 'UID', 'URL'])

/** `creationTimestamp` is shown as `Creation Timestamp`. */
export const spaced = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(' ')
    .map((word) => (ACRONYMS.has(word.toUpperCase()) ? word.toUpperCase() : word.replace(/^./, (first) => first.toUpperCase())))
    .join(' ')

function printMembers(page: Page, level: number, members: JsonObject): void {
  for (const key of Object.keys(members).toSorted()) printMember(page, level, spaced(key), members[key]!)
}

function printMember(page: Page, level: number, title: string, value: Json): void {
  if (isJsonObject(value)) {
    page.line(level, `${title}:`)
    printMembers(page, level + 1, value)
  } else if (Array.isArray(value)) {
    page.line(level, `${title}:`)
    for (const item of value) {
      if (isJsonObject(item)) printMembers(page, level + 1, item)
      else page.line(level + 1, String(item))
    }
  } else {
    page.line(level, `${title}:`, String(value))
  }
}
