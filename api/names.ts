/** The rules for names, keys and label values: each answers a list of complaints in upstream's words, empty when all is well. */

export type Complaints = string[]

const ALNUM = '[A-Za-z0-9]'
const QUALIFIED = `(${ALNUM}[-A-Za-z0-9_.]*)?${ALNUM}`
const LABEL_1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN_1123 = `${LABEL_1123}(\\.${LABEL_1123})*`
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'

const LABEL_LENGTH = 63
const SUBDOMAIN_LENGTH = 253

/** Sum of the keys and values of metadata.annotations that upstream accepts, in bytes. */
export const TOTAL_ANNOTATIONS_SIZE = 256 * 1024

export const EMPTY = 'must be non-empty'
const tooLongMessage = (length: number) => `must be no more than ${length} bytes`
export const inclusiveRangeMessage = (low: number, high: number) => `must be between ${low} and ${high}, inclusive`

/** `<rule> (e.g. 'a',  or 'b', regex used for validation is '…')`, with upstream's odd commas. */
function regexMessage(rule: string, pattern: string, ...examples: string[]): string {
  const shown = examples.length > 0 ? `e.g. ${examples.map((example) => `'${example}', `).join(' or ')}` : ''
  return `${rule} (${shown}regex used for validation is '${pattern}')`
}

interface Rule {
  pattern: string
  message: string
  examples: string[]
  maximum?: number
}

function defineRule({ pattern, message, examples, maximum = Infinity }: Rule): (value: string) => Complaints {
  const expression = new RegExp(`^${pattern}$`)
  const complaint = regexMessage(message, pattern, ...examples)
  return (value) => {
    const complaints: Complaints = []
    // Every pattern but the relaxed ones is ASCII, so that the length in UTF-16 units only matters when it fails anyway.
    if (value.length > maximum) complaints.push(tooLongMessage(maximum))
    // `$` without the m flag still matches only at the very end in JavaScript, unlike in Perl.
    if (!expression.test(value)) complaints.push(complaint)
    return complaints
  }
}

export const isDNS1123Label = defineRule({
  pattern: LABEL_1123,
  message:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  examples: ['my-name', '123-abc'],
  maximum: LABEL_LENGTH,
})

export const isDNS1123Subdomain = defineRule({
  pattern: SUBDOMAIN_1123,
  message:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  examples: ['example.com'],
  maximum: SUBDOMAIN_LENGTH,
})

export const isDNS1035Label = defineRule({
  pattern: LABEL_1035,
  message:
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  examples: ['my-name', 'abc-123'],
  maximum: LABEL_LENGTH,
})

export const isWildcardDNS1123Subdomain = defineRule({
  pattern: `\\*\\.${SUBDOMAIN_1123}`,
  message:
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  examples: ['*.example.com'],
  maximum: SUBDOMAIN_LENGTH,
})

export const isValidLabelValue = defineRule({
  pattern: `(${QUALIFIED})?`,
  message:
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  examples: ['MyValue', 'my_value', '12345'],
  maximum: LABEL_LENGTH,
})

export const isCIdentifier = defineRule({
  pattern: '[A-Za-z_][A-Za-z0-9_]*',
  message:
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  examples: ['my_name', 'MY_NAME', 'MyName'],
})

export const isValidPercent = defineRule({
  pattern: '[0-9]+%',
  message: "a valid percent string must be a numeric string followed by an ending '%'",
  examples: ['1%', '93%'],
})

export const isHTTPHeaderName = defineRule({
  pattern: '[-A-Za-z0-9]+',
  message: "a valid HTTP header must consist of alphanumeric characters or '-'",
  examples: ['X-Header-Name'],
})

const QUALIFIED_MESSAGE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const isQualifiedNamePart = defineRule({
  pattern: QUALIFIED,
  message: QUALIFIED_MESSAGE,
  examples: ['MyName', 'my.name', '123-abc'],
  maximum: LABEL_LENGTH,
})

/** `name` or `prefix.example.com/name`: label and annotation keys, finalizers, extended resources. */
export function isQualifiedName(value: string): Complaints {
  const parts = value.split('/')
  if (parts.length > 2) {
    const rule = regexMessage(QUALIFIED_MESSAGE, QUALIFIED, 'MyName', 'my.name', '123-abc')
    return [`a qualified name ${rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const complaints: Complaints = []
  const name = parts.at(-1)!
  if (parts.length === 2) complaints.push(...checkPart('prefix part ', parts[0]!, isDNS1123Subdomain))
  if (name === '') complaints.push(`name part ${EMPTY}`)
  // The pattern is checked after emptiness too: upstream reports both.
  complaints.push(...isQualifiedNamePart(name).map((complaint) => `name part ${complaint}`))
  return complaints
}

const checkPart = (prefix: string, value: string, rule: (value: string) => Complaints): Complaints =>
  value === '' ? [prefix + EMPTY] : rule(value).map((complaint) => prefix + complaint)

function parentFolderComplaints(value: string): Complaints {
  if (value === '.') return ["must not be '.'"]
  if (value === '..') return ["must not be '..'"]
  return value.startsWith('..') ? ["must not start with '..'"] : []
}

/** What container environments may be named since RelaxedEnvironmentVariableValidation. */
export function isRelaxedEnvVarName(value: string): Complaints {
  if (value === '') return [`environment variable name ${EMPTY}`]
  return /^[ -<>-~]+$/.test(value)
    ? []
    : [
        regexMessage(
          "a valid environment variable name must consist only of printable ASCII characters other than '='",
          '^[ -<>-~]+$',
        ),
      ]
}

const configMapKey = defineRule({
  pattern: '[-._a-zA-Z0-9]+',
  message: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  examples: ['key.name', 'KEY_NAME', 'key-name'],
  maximum: SUBDOMAIN_LENGTH,
})
export const isConfigMapKey = (value: string): Complaints => [...configMapKey(value), ...parentFolderComplaints(value)]

export const isValidPortNumber = (port: number): Complaints => isInRange(port, 1, 65535)

const isInRange = (value: number, low: number, high: number): Complaints =>
  Number.isInteger(value) && value >= low && value <= high ? [] : [inclusiveRangeMessage(low, high)]

export const isValidUserId = (id: number): Complaints => isInRange(id, 0, 2 ** 31 - 1)
export const isValidGroupId = isValidUserId

export function isValidPortName(port: string): Complaints {
  const complaints: Complaints = []
  if (port.length > 15) complaints.push(tooLongMessage(15))
  if (!/^[-a-z0-9]+$/.test(port)) complaints.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(port)) complaints.push('must contain at least one letter (a-z)')
  if (port.includes('--')) complaints.push('must not contain consecutive hyphens')
  if (port.startsWith('-') || port.endsWith('-')) complaints.push('must not begin or end with a hyphen')
  return complaints
}

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)

/** 4, 6, or 0 for no address. Zones (`fe80::1%eth0`) are none, as in Go's net.ParseIP. */
export function ipFamily(value: string): 0 | 4 | 6 {
  if (IPV4.test(value)) return 4
  return value.includes(':') && isIPv6(value) ? 6 : 0
}

/** Eight groups of hexadecimal digits, one run of which may be left out, and the last two of which may be an IPv4 address. */
function isIPv6(value: string): boolean {
  const sides = value.split('::')
  if (sides.length > 2) return false
  const groups = sides.map((side) => (side === '' ? [] : side.split(':')))
  const last = groups.at(-1)!
  const embedded = last.at(-1)?.includes('.') ?? false
  if (embedded && !IPV4.test(last.pop()!)) return false
  const count = groups.flat().length + (embedded ? 2 : 0)
  return groups.flat().every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) && (sides.length === 2 ? count < 8 : count === 8)
}

export const isValidIP = (value: string): Complaints =>
  ipFamily(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']

export function isValidCIDR(value: string): Complaints {
  const [address = '', length = '', ...rest] = value.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[ipFamily(address)]
  const valid = rest.length === 0 && /^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= bits
  return valid ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
}

/** Names that become one segment of a URL path: the rule of RBAC objects and the floor for all others. */
export function isPathSegment(value: string): Complaints {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return pathSegmentPrefixComplaints(value)
}

/** As `isPathSegment`, for what `generateName` starts names with. */
export const pathSegmentPrefixComplaints = (value: string): Complaints =>
  ['/', '%'].filter((character) => value.includes(character)).map((character) => `may not contain '${character}'`)

/** `generateName` may end in a dash, since a suffix follows: checked as if it were followed by a letter. */
export const maskTrailingDash = (name: string): string => (name.length > 1 && name.endsWith('-') ? `${name.slice(0, -1)}a` : name)

/** Turns a rule into the shape that a resource's `validateName` has: the first complaints as one sentence, or null. */
export const nameRule =
  (rule: (value: string) => Complaints) =>
  (name: string, prefix: boolean): string | null => {
    const complaints = rule(prefix ? maskTrailingDash(name) : name)
    return complaints.length > 0 ? complaints.join(', ') : null
  }

/** Bytes of keys and values together, against TOTAL_ANNOTATIONS_SIZE. */
export function annotationsSize(annotations: Record<string, string>): number {
  let size = 0
  for (const key in annotations) size += Buffer.byteLength(key) + Buffer.byteLength(annotations[key]!)
  return size
}
