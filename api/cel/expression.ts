/** A CEL expression as a tree: what the parser makes and the compiler takes. */
import type { CelValue } from './values.ts'

export type MacroName =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'
  | 'optMap'
  | 'optFlatMap'
  | 'bind'

/** `optional`: written with a question mark, and left out when the value is an optional without one. */
export interface Element {
  value: Expression
  optional: boolean
}

export type Expression =
  | { op: 'literal'; value: CelValue }
  | { op: 'name'; name: string; at: number }
  | { op: 'select'; of: Expression; field: string; test: boolean; optional: boolean; at: number }
  | { op: 'index'; of: Expression; by: Expression; optional: boolean }
  | { op: 'call'; name: string; target: Expression | undefined; parameters: Expression[]; at: number }
  | { op: 'list'; items: Element[] }
  | { op: 'map'; entries: (Element & { key: Expression })[] }
  /** `Object.spec{replicas: 1}`: a value of a named type. */
  | { op: 'message'; type: string; entries: (Element & { key: Expression })[]; at: number }
  | { op: 'and' | 'or'; left: Expression; right: Expression }
  | { op: 'choose'; when: Expression; yes: Expression; no: Expression }
  | { op: 'macro'; name: MacroName; of: Expression; variables: string[]; bodies: Expression[] }
