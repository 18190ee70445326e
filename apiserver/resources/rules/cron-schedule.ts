/** Checks cron schedules, with the complaints of the library that upstream reads them with. */
import { parseDuration } from '../../../api/duration.ts'

interface Bounds {
  min: number
  max: number
  names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
]
const DESCRIPTORS = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']

/** Why this is no schedule, or null. */
export function scheduleComplaint(schedule: string): string | null {
  try {
    checkSchedule(schedule)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function checkSchedule(schedule: string): void {
  if (schedule === '') throw new Error('empty spec string')
  const text = schedule.replace(/^(CRON_)?TZ=\S+\s*/, '')
  if (text.startsWith('@')) {
    checkDescriptor(text)
    return
  }
  const fields = text.trim().split(/\s+/)
  if (fields.length !== FIELDS.length) {
    throw new Error(`expected exactly ${FIELDS.length} fields, found ${fields.length}: [${fields.join(' ')}]`)
  }
  fields.forEach((field, i) => {
    for (const part of field.split(',')) if (part !== '') checkRange(part, FIELDS[i]!)
  })
}

function checkDescriptor(text: string): void {
  if (DESCRIPTORS.includes(text)) return
  if (!text.startsWith('@every ')) throw new Error(`unrecognized descriptor: ${text}`)
  try {
    parseDuration(text.slice('@every '.length))
  } catch (error) {
    throw new Error(`failed to parse duration ${text}: ${(error as Error).message}`, { cause: error })
  }
}

/** `number | number "-" number [ "/" number ]`, with `*` and `?` for all of it. */
function checkRange(text: string, { min, max, names }: Bounds): void {
  const [range = '', stepText, ...more] = text.split('/')
  const [low = '', high, ...rest] = range.split('-')
  let start = min
  let end = max
  if (low !== '*' && low !== '?') {
    start = toNumber(low, names)
    if (rest.length > 0) throw new Error(`too many hyphens: ${text}`)
    end = high === undefined ? start : toNumber(high, names)
  }
  if (more.length > 0) throw new Error(`too many slashes: ${text}`)
  let step = 1
  if (stepText !== undefined) {
    step = toNumber(stepText)
    if (high === undefined) end = max
  }
  if (start < min) throw new Error(`beginning of range (${start}) below minimum (${min}): ${text}`)
  if (end > max) throw new Error(`end of range (${end}) above maximum (${max}): ${text}`)
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`)
}

function toNumber(text: string, names?: readonly string[]): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1
  // Months count from one, days from zero.
  if (named >= 0) return names === MONTHS ? named + 1 : named
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  const value = Number(text)
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`)
  return value
}
