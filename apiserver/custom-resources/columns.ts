/** The columns that a definition asks for: JSONPath over the object, cells of the type that the column has. */
import { ageOf } from '../../api/duration.ts'
import type { CustomResourceColumnDefinition } from '../../api/generated/types.ts'
import type { Json } from '../../api/json.ts'
import { parseJsonPath, relaxedExpression } from '../../api/jsonpath.ts'
import type { KubeObject } from '../../api/object.ts'
import { AGE, NAME } from '../resources/columns.ts'
import type { Column } from '../resources/resource.ts'

/** Tables are made of stored objects: `show` gives the form that the version has them in. */
export function columnsOf(
  columns: readonly CustomResourceColumnDefinition[] | undefined,
  show: (object: KubeObject) => KubeObject,
): Column<KubeObject>[] {
  if (!columns || columns.length === 0) return [NAME, AGE]
  // One row asks for all its cells in turn.
  let last: { object: KubeObject; shown: KubeObject } | undefined
  const shownOf = (object: KubeObject): KubeObject => {
    if (last?.object !== object) last = { object, shown: show(object) }
    return last.shown
  }
  return [NAME, ...columns.map((column) => toColumn(column, shownOf))]
}

/** A path that cannot be read leads nowhere: upstream leaves such a column empty. */
export function compilePath(path: string): (object: KubeObject) => Json[] {
  try {
    const template = parseJsonPath(relaxedExpression(path))
    return (object) => {
      try {
        return template.find(object as unknown as Json)
      } catch {
        return []
      }
    }
  } catch {
    return () => []
  }
}

function toColumn(
  { name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition,
  shownOf: (object: KubeObject) => KubeObject,
): Column<KubeObject> {
  const valuesOf = compilePath(jsonPath)
  return {
    name,
    type: type as Column<KubeObject>['type'],
    ...(format && { format }),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(priority && { priority }),
    value: (object, now) => toCell(type, valuesOf(shownOf(object)), now),
  }
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Null where the value is not of the column's type. */
function toCell(type: string, values: readonly Json[], now: Date): Json {
  const [first] = values
  if (first === undefined) return null
  switch (type) {
    case 'string':
      return values.map(textOf).join(' ')
    case 'integer':
      return typeof first === 'number' ? Math.trunc(first) : null
    case 'number':
    case 'boolean':
      return typeof first === type ? first : null
    case 'date':
      if (typeof first !== 'string') return null
      return Number.isNaN(Date.parse(first)) ? '<invalid>' : ageOf(first, now)
    default:
      return null
  }
}
