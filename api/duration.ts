/** Durations in milliseconds: Go's notation (`1h30m0s`) and the ages that kubectl shows (`2d3h`). */

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Reads Go's notation, fractions and signs included. Throws with Go's text. */
export function parseDuration(text: string): number {
  const [, sign, body = ''] = /^([-+]?)(.*)$/s.exec(text) ?? []
  if (body === '0') return 0
  if (body === '') throw new Error(`time: invalid duration ${JSON.stringify(text)}`)
  let total = 0
  let rest = body
  while (rest !== '') {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (number === undefined) throw new Error(`time: invalid duration ${JSON.stringify(text)}`)
    rest = rest.slice(number.length)
    const unit = /^[^\d.]*/.exec(rest)![0]
    if (unit === '') throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`)
    const scale = UNITS[unit]
    if (scale === undefined) throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`)
    rest = rest.slice(unit.length)
    total += Number(number) * scale
  }
  return sign === '-' ? -total : total
}

/** Go's `Duration.String()`: `1h30m0s`, `1.5s`, `300ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  const sign = ms < 0 ? '-' : ''
  const magnitude = Math.abs(ms)
  if (magnitude < 1e-3) return `${sign}${trim(magnitude * 1e6)}ns`
  if (magnitude < 1) return `${sign}${trim(magnitude * 1e3)}µs`
  if (magnitude < 1000) return `${sign}${trim(magnitude)}ms`
  const hours = Math.floor(magnitude / 3_600_000)
  const minutes = Math.floor((magnitude % 3_600_000) / 60_000)
  const seconds = `${trim((magnitude % 60_000) / 1000)}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : sign + seconds
}

const trim = (value: number): string => String(Number(value.toFixed(9)))

const withRest = (whole: number, unit: string, rest: number, restUnit: string) =>
  rest === 0 ? `${whole}${unit}` : `${whole}${unit}${rest}${restUnit}`

/** kubectl's age: two units while that says something, one later. Two seconds of clock skew are forgiven. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (days < 8) return withRest(days, 'd', hours % 24, 'h')
  if (days < 365 * 2) return `${days}d`
  const years = Math.floor(days / 365)
  return years < 8 ? withRest(years, 'y', days % 365, 'd') : `${years}y`
}

/** The age of a timestamp as table cells show it; an absent one is `<unknown>`. */
export const ageOf = (timestamp: string | undefined, now: Date): string =>
  timestamp ? humanDuration(now.getTime() - Date.parse(timestamp)) : '<unknown>'
