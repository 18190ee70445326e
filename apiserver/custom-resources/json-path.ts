/** The simple JSONPath of printer columns: `.spec.a`, `.list[0]`, `.list[*].name`, `.conditions[?(@.type=="Ready")].status`. */

type Step = (values: readonly unknown[]) => unknown[]

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const member =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []))

const items = (value: unknown): unknown[] =>
  Array.isArray(value) ? (value as unknown[]) : isObject(value) ? Object.values(value) : []

const PARTS =
  /\.([\w-]+(?:\\\.[\w-]+)*)|\['([^']+)'\]|\[(-?\d+)\]|(?:\.|\[)\*\]?|\[\?\(\s*@\.([\w.-]+)\s*==\s*["']([^"']*)["']\s*\)\]/y

/** Compiled: a function from an object to every value that the path leads to. A path that cannot be read leads nowhere. */
export function compileJsonPath(path: string): (object: unknown) => unknown[] {
  const steps: Step[] = []
  PARTS.lastIndex = 0
  while (PARTS.lastIndex < path.length) {
    const [part, name, quoted, index, field, wanted] = PARTS.exec(path) ?? []
    if (part === undefined) return () => []
    if (name !== undefined) steps.push(member(name.replaceAll('\\.', '.')))
    else if (quoted !== undefined) steps.push(member(quoted))
    else if (index !== undefined) steps.push((values) => values.flatMap((value) => items(value).slice(Number(index)).slice(0, 1)))
    else if (field !== undefined) {
      const valueOf = compileJsonPath(`.${field}`)
      steps.push((values) => values.flatMap((value) => items(value).filter((item) => String(valueOf(item)[0]) === wanted)))
    } else steps.push((values) => values.flatMap(items))
  }
  return (object) => steps.reduce<unknown[]>((values, step) => step(values), [object])
}
