/** What `kubelab wait --for=…` waits for: a test of one object. Pure. */
import { isJsonObject, type Json, type JsonObject } from '../../api/json.ts'
import { parseJsonPath, relaxedExpression } from '../../api/jsonpath.ts'
import { CliError } from '../errors.ts'

export type WaitCondition = { kind: 'delete' } | { kind: 'create' } | { kind: 'state'; isMet: (object: JsonObject) => boolean }

export function parseWaitCondition(text: string): WaitCondition {
  if (text === 'delete') return { kind: 'delete' }
  if (text === 'create') return { kind: 'create' }
  if (text.startsWith('condition=')) {
    const [name = '', value = 'true'] = text.slice('condition='.length).split('=')
    return { kind: 'state', isMet: (object) => hasCondition(object, name, value) }
  }
  if (text.startsWith('jsonpath=')) return jsonPathCondition(text.slice('jsonpath='.length))
  throw new CliError(`unrecognized condition: ${JSON.stringify(text)}`)
}

function hasCondition({ metadata, status }: JsonObject, name: string, value: string): boolean {
  const conditions = isJsonObject(status) && Array.isArray(status['conditions']) ? (status['conditions'] as JsonObject[]) : []
  const condition = conditions.find(({ type }) => String(type).toLowerCase() === name.toLowerCase())
  const generation = Number((metadata as JsonObject | undefined)?.['generation'] ?? 0)
  // A condition of an older spec says nothing of this one.
  const observed = condition?.['observedGeneration'] ?? (isJsonObject(status) ? status['observedGeneration'] : undefined)
  if (!condition || (typeof observed === 'number' && observed < generation)) return false
  return String(condition['status']).toLowerCase() === value.toLowerCase()
}

function jsonPathCondition(text: string): WaitCondition {
  const match = /^(\{.*?\}|[^=]+)(?:=(.*))?$/s.exec(text)
  if (!match)
    throw new CliError(
      "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
    )
  const path = parseJsonPath(relaxedExpression(match[1]!.trim()))
  const wanted = match[2]?.replace(/^(['"])(.*)\1$/s, '$2')
  return {
    kind: 'state',
    isMet: (object) => {
      const found = path.find(object)
      if (found.length > 1) throw new CliError('given jsonpath expression matches more than one value')
      return found.length === 1 && (wanted === undefined || printed(found[0]!) === wanted)
    },
  }
}

function printed(value: Json): string {
  if (typeof value === 'object' && value !== null)
    throw new CliError('jsonpath leads to a nested object or list which is not supported')
  return String(value)
}
