/** Field selectors: `metadata.name=x,status.phase!=Running`, with upstream's escapes and errors. */
import { SelectorError } from './labels.ts'

export interface FieldRequirement {
  field: string
  operator: '=' | '!='
  value: string
}

export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[]
  /** `valueOf` answers the object's value of a field, empty when it has none. */
  matches(valueOf: (field: string) => string): boolean
}

/** Which fields a selector may name is the resource's affair: see `unsupportedFieldLabel`. */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements = splitTerms(text)
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term)
      if (!match) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`)
      const [, field = '', operator, value = ''] = match
      return { field, operator: operator === '!=' ? ('!=' as const) : ('=' as const), value: unescape(value) }
    })
    // `=` alone, without field and value, selects everything.
    .filter(({ field, value }) => field !== '' || value !== '')
  return createFieldSelector(requirements)
}

export const createFieldSelector = (requirements: readonly FieldRequirement[]): FieldSelector => ({
  requirements,
  matches: (valueOf) => requirements.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === '=')),
})

/** The value that the selector demands of this field, when it demands exactly one: what indexes are asked by. */
export const requiredValue = ({ requirements }: FieldSelector, field: string): string | undefined =>
  requirements.find((requirement) => requirement.field === field && requirement.operator === '=')?.value

/** The message of the 400 for a field that the resource cannot be selected by. */
export const unsupportedFieldLabel = (field: string): string => `field label not supported: ${field}`

/** The same for a kind that can be selected by what every object has. */
export const onlyMetadataFields = (field: string): string =>
  `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === ',') {
      terms.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...terms, text.slice(start)].sort()
}

function unescape(value: string): string {
  if (!/[\\,=]/.test(value)) return value
  let result = ''
  for (let at = 0; at < value.length; at++) {
    const character = value[at]!
    if (character === '\\') {
      const next = value[++at] ?? ''
      if (next === '' || !'\\,='.includes(next))
        throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next}`)
      result += next
    } else if (character === ',' || character === '=') {
      // Upstream prints the rune as its number.
      throw new SelectorError(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`)
    } else {
      result += character
    }
  }
  return result
}
