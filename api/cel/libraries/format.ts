/** `format.dns1123Label().validate("a_b")`: Kubernetes' named formats in CEL, and `"%s".format(["a"])`. */
import {
  isDNS1035Label,
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  isValidLabelValue,
  maskTrailingDash,
} from '../../names.ts'
import { list, text, type CelFunction } from '../arguments.ts'
import { toText } from '../functions.ts'
import { CelError, CelOpaque, CelOptional, isMap, isNumber, noOverload, typeOf, type CelValue } from '../values.ts'

const matches =
  (pattern: RegExp, complaint: string) =>
  (value: string): string[] =>
    pattern.test(value) ? [] : [complaint]

const parses =
  (test: (value: string) => boolean, complaint: string) =>
  (value: string): string[] =>
    test(value) ? [] : [complaint]

/** Complaints about a text; none when it is of the format. */
const FORMATS: Readonly<Record<string, (value: string) => string[]>> = {
  dns1123Label: isDNS1123Label,
  dns1123Subdomain: isDNS1123Subdomain,
  dns1035Label: isDNS1035Label,
  qualifiedName: isQualifiedName,
  dns1123LabelPrefix: (value) => isDNS1123Label(maskTrailingDash(value)),
  dns1123SubdomainPrefix: (value) => isDNS1123Subdomain(maskTrailingDash(value)),
  dns1035LabelPrefix: (value) => isDNS1035Label(maskTrailingDash(value)),
  labelValue: isValidLabelValue,
  uri: parses((value) => URL.canParse(value) || value.startsWith('/'), 'invalid URI'),
  uuid: matches(/^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/, 'does not match the UUID format'),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
  date: matches(/^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/, 'invalid date'),
  datetime: parses(
    (value) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
    'invalid datetime',
  ),
}

const named = (name: string): CelOpaque =>
  new CelOpaque('kubernetes.NamedFormat', name, {
    validate: (value) => {
      const complaints = FORMATS[name]!(text(value))
      return new CelOptional(complaints.length > 0 ? complaints : undefined)
    },
  })

/** One clause of a format string: `%s`, `%d`, `%f`, `%.3e`, `%b`, `%o`, `%x`, `%X`. */
function clause(verb: string, precision: string | undefined, value: CelValue): string {
  if (verb === 's') return shown(value)
  if (verb === 'f' || verb === 'e') {
    if (!isNumber(value)) throw wrongClause(verb, value)
    const digits = Math.min(Number(precision ?? 6), 100)
    return verb === 'f'
      ? Number(value).toFixed(digits)
      : Number(value)
          .toExponential(digits)
          .replace(/e([+-])(\d)$/, 'e$10$2')
  }
  if (verb === 'x' && typeof value === 'string') return hexOf(value)
  if (verb === 'X' && typeof value === 'string') return hexOf(value).toUpperCase()
  if (verb === 'b' && typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value !== 'bigint') throw wrongClause(verb, value)
  const radix = { d: 10, b: 2, o: 8, x: 16, X: 16 }[verb]!
  return verb === 'X' ? value.toString(radix).toUpperCase() : value.toString(radix)
}

const hexOf = (value: string) => [...new TextEncoder().encode(value)].map((byte) => byte.toString(16).padStart(2, '0')).join('')

const wrongClause = (verb: string, value: CelValue) =>
  new CelError(`error during formatting: could not format ${typeOf(value)} with clause %${verb}`)

function shown(value: CelValue): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`
  if (isMap(value))
    return `{${Object.keys(value)
      .toSorted()
      .map((key) => `${key}: ${shown(value[key]!)}`)
      .join(', ')}}`
  return toText(value)
}

function format(pattern: CelValue | undefined, values: CelValue | undefined): string {
  const rest = [...list(values)]
  let count = 0
  const result = text(pattern).replace(
    /%(?:(%)|(?:\.(\d{1,3}))?([sdfeboxX])|)/g,
    (whole, percent: string, precision: string, verb: string) => {
      if (percent) return '%'
      if (!verb) throw new CelError(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(whole)}`)
      if (count >= rest.length) throw new CelError(`index ${count} out of range`)
      return clause(verb, precision, rest[count++]!)
    },
  )
  if (result === undefined) throw noOverload()
  return result
}

export const formats: Readonly<Record<string, CelFunction>> = {
  format,
  'format.named': (name) => new CelOptional(Object.hasOwn(FORMATS, text(name)) ? named(text(name)) : undefined),
  ...Object.fromEntries(Object.keys(FORMATS).map((name) => [`format.${name}`, () => named(name)])),
}
