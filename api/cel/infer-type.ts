/** What an expression comes to, as far as its form says; `dyn` where only a run can tell. */
import type { Expression } from './expression.ts'
import { typeOf } from './values.ts'

const RESULTS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    bool: '== != < <= > >= in ! contains startsWith endsWith matches isSorted isQuantity isIP isCIDR isURL isSemver hasValue bool isInteger allowed',
    string: 'string lowerAscii upperAscii replace trim substring join charAt format find',
    int: 'size int getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds getMilliseconds indexOf lastIndexOf asInteger',
    double: 'double asApproximateFloat',
    list: 'split findAll distinct flatten sort slice',
  }).flatMap(([type, names]) => names.split(' ').map((name) => [name, type] as const)),
)

const MACROS: Readonly<Record<string, string>> = {
  ...{ all: 'bool', exists: 'bool', exists_one: 'bool' },
  ...{ map: 'list', filter: 'list', transformList: 'list', transformMap: 'map', transformMapEntry: 'map' },
  ...{ optMap: 'optional_type', optFlatMap: 'optional_type' },
}

export function inferType(expression: Expression): string {
  switch (expression.op) {
    case 'literal':
      return typeOf(expression.value)
    case 'select':
      return expression.test ? 'bool' : 'dyn'
    case 'and':
    case 'or':
      return 'bool'
    case 'list':
    case 'map':
      return expression.op
    case 'message':
      return expression.type
    case 'choose': {
      const [yes, no] = [inferType(expression.yes), inferType(expression.no)]
      return yes === no ? yes : 'dyn'
    }
    case 'macro':
      return expression.name === 'bind' ? inferType(expression.bodies[0]!) : MACROS[expression.name]!
    case 'call':
      if (expression.name === '+') return inferSum(expression.parameters)
      return Object.hasOwn(RESULTS, expression.name) ? RESULTS[expression.name]! : 'dyn'
    default:
      return 'dyn'
  }
}

/** Both sides are of one type, so that one of them says it. */
function inferSum(sides: readonly Expression[]): string {
  const known = sides.map(inferType).find((type) => type !== 'dyn')
  return known === 'string' || known === 'int' || known === 'double' || known === 'list' ? known : 'dyn'
}
