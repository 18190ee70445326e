/** metav1.Time and MicroTime: RFC 3339 in UTC, to the second and to the microsecond. */

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/
const LAYOUT = '2006-01-02T15:04:05Z07:00'

/** `2026-01-02T03:04:05Z` */
export const formatTime = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`

/** `2026-01-02T03:04:05.678000Z`, of milliseconds since the epoch with fractions. */
export function formatMicroTime(time: Date | number): string {
  const ms = typeof time === 'number' ? time : time.getTime()
  const micros = Math.floor(ms * 1000)
  const seconds = Math.floor(micros / 1e6)
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros - seconds * 1e6).padStart(6, '0')}Z`
}

/** Milliseconds since the epoch, with the fraction that a MicroTime carries. Throws with Go's text. */
export function parseTime(text: string): number {
  const match = RFC3339.exec(text)
  const ms = match ? Date.parse(`${text.slice(0, 19)}${match[8]}`) : Number.NaN
  // Date.parse lets the 31st of February roll over; Go does not.
  if (!match || Number.isNaN(ms) || Number(match[3]) > daysOf(Number(match[1]), Number(match[2])))
    throw new Error(complaint(text))
  return ms + (match[7] ? Number(`0.${match[7]}`) * 1000 : 0)
}

const daysOf = (year: number, month: number) => new Date(Date.UTC(year, month, 0)).getUTCDate()

const CANONICAL_SECONDS = /^\d{4}-(0[1-9]|1[0-2])-([01]\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/
const CANONICAL_MICROS = /^\d{4}-(0[1-9]|1[0-2])-([01]\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/

/** The form the API server stores: UTC, whole seconds (upstream drops the rest). Throws with Go's text. */
export const canonicalTime = (text: string): string =>
  CANONICAL_SECONDS.test(text) ? text : formatTime(new Date(Math.floor(parseTime(text) / 1000) * 1000))

/** As `canonicalTime`, to the microsecond. */
export function canonicalMicroTime(text: string): string {
  if (CANONICAL_MICROS.test(text)) return text
  parseTime(text)
  const [, , , , , , , fraction = '', zone] = RFC3339.exec(text)!
  // By text, because 53 bits do not hold microseconds since 1970 exactly once fractions of milliseconds are added.
  return `${new Date(Date.parse(`${text.slice(0, 19)}${zone}`)).toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`
}

const PIECES: [RegExp, string][] = [
  [/^\d{4}/, '2006'],
  [/^-/, '-'],
  [/^(0[1-9]|1[0-2])/, '01'],
  [/^-/, '-'],
  [/^\d{2}/, '02'],
  [/^T/, 'T'],
  [/^([01]\d|2[0-3])/, '15'],
  [/^:/, ':'],
  [/^[0-5]\d/, '04'],
  [/^:/, ':'],
  [/^[0-5]\d([.,]\d+)?/, '05'],
  [/^(Z|[+-]\d{2}:\d{2})/, 'Z07:00'],
]

/** Go names the piece of the layout at which it gave up. */
function complaint(text: string): string {
  let rest = text
  for (const [pattern, piece] of PIECES) {
    const match = pattern.exec(rest)
    if (!match) return `parsing time ${JSON.stringify(text)} as "${LAYOUT}": cannot parse ${JSON.stringify(rest)} as "${piece}"`
    rest = rest.slice(match[0].length)
  }
  const why = rest ? `extra text: ${JSON.stringify(rest)}` : 'day out of range'
  return `parsing time ${JSON.stringify(text)}: ${why}`
}
