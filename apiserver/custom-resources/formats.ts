/** The string formats that upstream knows; a format that it does not know says nothing. */
import { ipFamily, isValidCIDR } from '../../api/names.ts'

const hex = '[0-9a-fA-F]'
const uuid = (version: string, variant = hex) =>
  new RegExp(`^${hex}{8}-?${hex}{4}-?${version}${hex}{3}-?${variant}${hex}{3}-?${hex}{12}$`)
const matches = (pattern: RegExp) => (value: string) => pattern.test(value)

const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?([zZ]|[+-]\d{2}:?\d{2})$/

const isDateTime = (value: string) => DATE_TIME.test(value) && !Number.isNaN(Date.parse(value.replace(' ', 'T')))

const isDate = (value: string) =>
  /^\d{4}-\d{2}-\d{2}$/.test(value) && new Date(`${value}T00:00:00Z`).toJSON()?.slice(0, 10) === value

/** Go's `1h30m`, and the longer units of people. */
const DURATION =
  /^[+-]?(\d+(\.\d+)?\s*(ns|us|µs|ms|s|m|h|d|w|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?)\s*)+$/

const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/),
  cidr: (value) => isValidCIDR(value).length === 0,
  date: isDate,
  'date-time': isDateTime,
  datetime: isDateTime,
  duration: (value) => value === '0' || DURATION.test(value),
  email: matches(/^[^@\s]+@[^@\s]+$/),
  hexcolor: matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  hostname: matches(
    /^(?=.{1,253}$)([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$/,
  ),
  ipv4: (value) => ipFamily(value) === 4,
  ipv6: (value) => ipFamily(value) === 6,
  mac: matches(/^([0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4})$/),
  uri: (value) => /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(value) || value.startsWith('/'),
  uuid: matches(uuid(hex)),
  uuid3: matches(uuid('3')),
  uuid4: matches(uuid('4', '[89abAB]')),
  uuid5: matches(uuid('5', '[89abAB]')),
}

export const fitsFormat = (format: string, value: string): boolean => FORMATS[format]?.(value) ?? true
