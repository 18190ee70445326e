/** All that an expression may call, and the names of types. One line a library. */
import type { CelFunction } from './arguments.ts'
import { FUNCTIONS as STANDARD, sizeOfPattern } from './functions.ts'
import { formats } from './libraries/format.ts'
import { networks } from './libraries/network.ts'
import { optionals } from './libraries/optional.ts'
import { quantities } from './libraries/quantity.ts'
import { semvers } from './libraries/semver.ts'
import { collections } from './libraries/sets.ts'
import { urls } from './libraries/url.ts'
import { weigh, type CelValue } from './values.ts'

/** By name, with the name space where they have one. The target of a call is the first argument. */
export const FUNCTIONS: ReadonlyMap<string, CelFunction> = new Map(
  [STANDARD, collections, formats, networks, optionals, quantities, semvers, urls].flatMap((library) => Object.entries(library)),
)

/** What values of types beyond CEL's own can be asked, and nothing else can. */
export const METHODS: ReadonlySet<string> = new Set(
  [
    'sign isGreaterThan isLessThan compareTo add sub isInteger asInteger asApproximateFloat',
    'family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast',
    'containsIP containsCIDR ip masked prefixLength',
    'getScheme getHost getHostname getPort getEscapedPath getQuery',
    'validate major minor patch',
    'path group resource subresource namespace name serviceAccount check allowed reason errored error fieldSelector labelSelector',
  ].flatMap((names) => names.split(' ')),
)

const PATTERNS = new Set(['matches', 'find', 'findAll'])

/** How much there is to look at in an argument of this function. */
export const weightIn = (name: string, value: CelValue, at: number): number =>
  at === 1 && PATTERNS.has(name) ? Math.max(weigh(value), sizeOfPattern(value)) : weigh(value)

const QUADRATIC = new Set([
  ...['replace', 'join', ...PATTERNS, 'distinct', 'contains'],
  ...['sets.contains', 'sets.equivalent', 'sets.intersects'],
])

/** The time, or the size of the answer, is the product of what is given. */
export const isQuadratic = (name: string): boolean => QUADRATIC.has(name)

const TYPES = new Set([
  ...['int', 'uint', 'double', 'string', 'bool', 'list', 'map', 'null_type', 'type', 'optional_type'],
  ...['google.protobuf.Timestamp', 'google.protobuf.Duration', 'net.IP', 'net.CIDR'],
  ...['kubernetes.Quantity', 'kubernetes.URL', 'kubernetes.Semver'],
])

export const isType = (name: string): boolean => TYPES.has(name)
