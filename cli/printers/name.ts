/** `-o name`: `pod/web`, `deployment.apps/web`. */
import type { JsonObject } from '../../api/json.ts'
import { itemsOf } from './printer.ts'

export const printName = (object: JsonObject): string => itemsOf(object).map(nameLine).join('\n')

function nameLine({ apiVersion, kind, metadata }: JsonObject): string {
  const version = String(apiVersion ?? '')
  const group = version.includes('/') ? `.${version.split('/')[0]}` : ''
  return `${String(kind).toLowerCase()}${group}/${String((metadata as JsonObject | undefined)?.['name'] ?? '')}`
}
