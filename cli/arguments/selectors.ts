/** Label selectors from the command line as the API writes them in objects. */
import type { JsonObject } from '../../api/json.ts'
import { parseLabelSelector } from '../../api/labels.ts'
import { CliError } from '../errors.ts'

const OPERATORS: Record<string, string> = { '!=': 'NotIn', in: 'In', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' }

/** `app=web,tier in (a,b)` as `matchLabels` and `matchExpressions`. */
export function toSelectorObject(text: string): JsonObject {
  const matchLabels: JsonObject = {}
  const matchExpressions: JsonObject[] = []
  for (const { key, operator, values } of parseLabelSelector(text).requirements) {
    if (operator === '=' || operator === '==') matchLabels[key] = [...values][0] ?? ''
    else if (OPERATORS[operator])
      matchExpressions.push({ key, operator: OPERATORS[operator], ...(values.length > 0 && { values: [...values] }) })
    else throw new CliError(`${JSON.stringify(operator)} is not a valid label selector operator`)
  }
  return {
    ...(matchExpressions.length > 0 && { matchExpressions }),
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
  }
}
