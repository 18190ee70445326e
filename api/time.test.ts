import { describe, expect, test } from 'vitest'
import { ageOf, formatDuration, humanDuration, parseDuration } from './duration.ts'
import { scaledValue } from './int-or-string.ts'
import { canonicalMicroTime, canonicalTime, formatMicroTime, formatTime, parseTime } from './time.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

test.each([
  [-5000, '<invalid>'],
  [-1000, '0s'],
  [0, '0s'],
  [119_999, '119s'],
  [2 * minute, '2m'],
  [5 * minute + 3000, '5m3s'],
  [179 * minute, '179m'],
  [3 * hour + minute, '3h1m'],
  [47 * hour, '47h'],
  [2 * day + 3 * hour, '2d3h'],
  [7 * day, '7d'],
  [8 * day + hour, '8d'],
  [2 * 365 * day + 5 * day, '2y5d'],
  [9 * 365 * day, '9y'],
])('%d ms old is %s', (ms, age) => {
  expect(humanDuration(ms)).toBe(age)
})

test('an unset time has no age', () => {
  expect(ageOf(undefined, new Date())).toBe('<unknown>')
})

test.each([
  ['1h30m', 5_400_000, '1h30m0s'],
  ['1.5s', 1500, '1.5s'],
  ['-300ms', -300, '-300ms'],
  ['0', 0, '0s'],
  ['90s', 90_000, '1m30s'],
  ['10us', 0.01, '10µs'],
])('the duration %s', (text, ms, printed) => {
  expect(parseDuration(text)).toBeCloseTo(ms, 9)
  expect(formatDuration(ms)).toBe(printed)
})

test.each([
  ['', 'time: invalid duration ""'],
  ['x', 'time: invalid duration "x"'],
  ['10', 'time: missing unit in duration "10"'],
  ['10d', 'time: unknown unit "d" in duration "10d"'],
])('the duration %o is refused', (text, message) => {
  expect(() => parseDuration(text)).toThrow(message)
})

describe('times', () => {
  test.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000000Z'],
    ['2026-01-02T03:04:05.123456789+01:00', '2026-01-02T02:04:05Z', '2026-01-02T02:04:05.123456Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000Z'],
  ])('%s has one form', (text, seconds, micros) => {
    expect(canonicalTime(text)).toBe(seconds)
    expect(canonicalMicroTime(text)).toBe(micros)
  })

  test.each([
    ['abc', 'parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as "2006"'],
    ['2026-01-02', 'parsing time "2026-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
    ['2026-02-31T00:00:00Z', 'parsing time "2026-02-31T00:00:00Z": day out of range'],
  ])('%s is refused', (text, message) => {
    expect(() => canonicalTime(text)).toThrow(message)
  })

  test('dates print and read back', () => {
    const date = new Date('2026-01-02T03:04:05.678Z')
    expect(formatTime(date)).toBe('2026-01-02T03:04:05Z')
    expect(formatMicroTime(date)).toBe('2026-01-02T03:04:05.678000Z')
    expect(formatMicroTime(date.getTime() + 0.25)).toBe('2026-01-02T03:04:05.678250Z')
    expect(parseTime(formatMicroTime(date))).toBe(date.getTime())
  })
})

test('a percentage scales, a number stays', () => {
  expect(scaledValue('25%', 10, 'up')).toBe(3)
  expect(scaledValue('25%', 10, 'down')).toBe(2)
  expect(scaledValue(4, 10, 'up')).toBe(4)
  expect(() => scaledValue('4', 10, 'up')).toThrow('invalid value for IntOrString: invalid type: string is not a percentage')
})
