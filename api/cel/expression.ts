/** A CEL expression as a tree: what the parser makes and the compiler takes. */
import type { CelValue } from './values.ts'

export type MacroName = 'all' | 'exists' | 'exists_one' | 'map' | 'filter'

export type Expression =
  | { op: 'literal'; value: CelValue }
  | { op: 'name'; name: string; at: number }
  | { op: 'select'; of: Expression; field: string; test: boolean }
  | { op: 'index'; of: Expression; by: Expression }
  | { op: 'call'; name: string; target: Expression | undefined; parameters: Expression[]; at: number }
  | { op: 'list'; items: Expression[] }
  | { op: 'map'; entries: [Expression, Expression][] }
  | { op: 'and' | 'or'; left: Expression; right: Expression }
  | { op: 'choose'; when: Expression; yes: Expression; no: Expression }
  | { op: 'macro'; name: MacroName; of: Expression; variable: string; bodies: Expression[] }
