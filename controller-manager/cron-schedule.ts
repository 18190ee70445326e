/** Cron expressions as Kubernetes takes them: five fields or a @name, in any time zone; when is the next time. Pure. */

export interface CronSchedule {
  /** The first time after this one, to the minute; null when there is none within five years. */
  next(after: Date): Date | null
  /** RFC 3339 by the clock of the zone: `2026-01-01T02:00:00+01:00`. */
  format(time: Date): string
}

class CronError extends Error {
  override name = 'CronError'
}

const named: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  values: ReadonlySet<number>
  /** `*` or `?`: of the two day fields, one like that leaves the other to decide. */
  any: boolean
}

export function parseCron(expression: string, timeZone = 'UTC'): CronSchedule {
  const every = /^@every (\S+)$/.exec(expression)
  if (every) throw new CronError(`Cannot read schedule ${JSON.stringify(expression)}: @every is not supported`)
  const fields = (named[expression] ?? expression).trim().split(/\s+/)
  if (fields.length !== 5) throw new CronError(`expected exactly 5 fields, found ${fields.length}: [${expression}]`)
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string]
  const parsed = {
    minute: parseField(minute, 0, 59),
    hour: parseField(hour, 0, 23),
    day: parseField(day, 1, 31),
    month: parseField(month, 1, 12, months, 1),
    weekday: parseField(weekday, 0, 6, days),
  }
  const zone = createZone(timeZone)
  return { next: (after) => next(parsed, zone, after), format: (time) => formatIn(zone, time) }
}

function parseField(text: string, min: number, max: number, names: readonly string[] = [], offset = 0): Field {
  const values = new Set<number>()
  let any = false
  for (const part of text.split(',')) {
    const match = /^(\*|\?|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part)
    if (!match) throw new CronError(`failed to parse ${JSON.stringify(part)} of schedule`)
    const [, range, from, to, stepText] = match
    const star = range === '*' || range === '?'
    if (star && !stepText) any = true
    const first = star ? min : numberOf(from!, names, offset)
    // `5/10` means from 5 to the end.
    const last = star ? max : to === undefined ? (stepText ? max : first) : numberOf(to, names, offset)
    const step = Number(stepText ?? 1)
    if (step === 0) throw new CronError(`step of range should be a positive number: ${part}`)
    if (first < min) throw new CronError(`beginning of range (${first}) below minimum (${min}): ${part}`)
    if (last > max) throw new CronError(`end of range (${last}) above maximum (${max}): ${part}`)
    if (first > last) throw new CronError(`beginning of range (${first}) beyond end of range (${last}): ${part}`)
    for (let value = first; value <= last; value += step) values.add(value)
  }
  return { values, any }
}

function numberOf(text: string, names: readonly string[], offset: number): number {
  const index = names.indexOf(text.toLowerCase())
  if (index >= 0) return index + offset
  if (!/^\d+$/.test(text)) throw new CronError(`failed to parse int from ${text}`)
  return Number(text)
}

interface Zone {
  /** Wall-clock time there, in the fields of a UTC date. */
  toWall(instant: number): Date
  toInstant(wall: number): number
}

function createZone(timeZone: string): Zone {
  if (timeZone === 'UTC') return { toWall: (instant) => new Date(instant), toInstant: (wall) => wall }
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw new CronError(`unknown time zone ${timeZone}`)
  }
  const toWall = (instant: number): Date => {
    const part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
    return new Date(Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']))
  }
  // The offset at a guess that is off by at most the offset itself; a second look settles it on either side of a change.
  const toInstant = (wall: number): number => {
    const first = wall - (toWall(wall).getTime() - wall)
    return wall - (toWall(first).getTime() - first)
  }
  return { toWall, toInstant }
}

function formatIn(zone: Zone, time: Date): string {
  const seconds = Math.floor(time.getTime() / 1000) * 1000
  const wall = zone.toWall(seconds)
  const minutes = Math.round((wall.getTime() - seconds) / minuteMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const ahead = Math.abs(minutes)
  const offset = minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`
  return `${wall.toISOString().slice(0, 19)}${offset}`
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const longestSearchMs = 5 * 366 * dayMs

function next(fields: Record<'minute' | 'hour' | 'day' | 'month' | 'weekday', Field>, zone: Zone, after: Date): Date | null {
  const start = (Math.floor(zone.toWall(after.getTime()).getTime() / minuteMs) + 1) * minuteMs
  for (let day = Math.floor(start / dayMs) * dayMs; day - start < longestSearchMs; day += dayMs) {
    if (!matchesDay(fields, new Date(day))) continue
    for (const hour of [...fields.hour.values].toSorted((a, b) => a - b)) {
      for (const minute of [...fields.minute.values].toSorted((a, b) => a - b)) {
        const wall = day + (hour * 60 + minute) * minuteMs
        if (wall < start) continue
        const instant = zone.toInstant(wall)
        // A wall time that a change of clocks leaves out does not come that day.
        if (zone.toWall(instant).getTime() === wall && instant > after.getTime()) return new Date(instant)
      }
    }
  }
  return null
}

function matchesDay({ day, month, weekday }: Record<'day' | 'month' | 'weekday', Field>, date: Date): boolean {
  if (!month.values.has(date.getUTCMonth() + 1)) return false
  const byDay = day.values.has(date.getUTCDate())
  const byWeekday = weekday.values.has(date.getUTCDay())
  return day.any || weekday.any ? byDay && byWeekday : byDay || byWeekday
}
