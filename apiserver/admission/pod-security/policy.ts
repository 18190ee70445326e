/** The Pod Security policy of a namespace, as its labels state it, and the judgement of a pod by one level. */
import { invalid, type FieldError } from '../../../api/field-error.ts'
import { BASELINE_CHECKS } from './baseline-checks.ts'
import type { Candidate, Check, Violation } from './check.ts'
import { RESTRICTED_CHECKS } from './restricted-checks.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'

export interface LevelVersion {
  level: Level
  /** `latest` or `v1.N`. */
  version: string
}

export interface Policy {
  enforce: LevelVersion
  audit: LevelVersion
  warn: LevelVersion
}

const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted']
export const PREFIX = 'pod-security.kubernetes.io/'

export const levelToString = ({ level, version }: LevelVersion): string => `${level}:${version}`
export const isSameLevel = (a: LevelVersion, b: LevelVersion): boolean => a.level === b.level && a.version === b.version
export const compareLevels = (a: Level, b: Level): number => LEVELS.indexOf(a) - LEVELS.indexOf(b)

/** A policy there always is: labels that cannot be read enforce the strictest, and audit and warn of nothing. */
export function policyOf(labels: Readonly<Record<string, string>> = {}): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = []
  const complain = (label: string, value: string, why: string) => {
    errors.push(invalid(`metadata.labels[${label}]`, value, why))
  }
  const read = (mode: keyof Policy, onError: Level): LevelVersion => {
    const level = labels[`${PREFIX}${mode}`]
    const version = labels[`${PREFIX}${mode}-version`]
    const isLevel = level === undefined || LEVELS.includes(level as Level)
    const isVersion = version === undefined || version === 'latest' || /^v1\.(0|[1-9][0-9]*)$/.test(version)
    if (!isLevel) complain(`${PREFIX}${mode}`, level, `must be one of ${LEVELS.join(', ')}`)
    if (!isVersion) complain(`${PREFIX}${mode}-version`, version, 'must be "latest" or "v1.x"')
    return {
      level: isLevel ? ((level as Level | undefined) ?? 'privileged') : onError,
      version: isVersion ? (version ?? 'latest') : 'latest',
    }
  }
  const policy: Policy = {
    enforce: read('enforce', 'restricted'),
    audit: read('audit', 'privileged'),
    warn: read('warn', 'privileged'),
  }
  // Whoever enforces a level wants to be warned of it where it cannot be enforced: in the templates of controllers.
  const stated = labels[`${PREFIX}enforce`]
  if (
    labels[`${PREFIX}warn`] === undefined &&
    stated === policy.enforce.level &&
    compareLevels(policy.enforce.level, policy.warn.level) > 0
  ) {
    const version = labels[`${PREFIX}warn-version`] === undefined ? policy.enforce.version : policy.warn.version
    policy.warn = { level: policy.enforce.level, version }
  }
  return { policy, errors }
}

/** Every complaint of the level about the pod: baseline first, each level in the order of upstream's ids. */
export function violationsOf(candidate: Candidate, { level, version }: LevelVersion): Violation[] {
  if (level === 'privileged') return []
  const minor = version === 'latest' ? Number.POSITIVE_INFINITY : Number(version.slice('v1.'.length))
  const holds = ({ since }: Check) => since <= minor
  const restricted = level === 'restricted' ? RESTRICTED_CHECKS.filter(holds) : []
  const overridden = new Set(restricted.map(({ overrides }) => overrides))
  const baseline = BASELINE_CHECKS.filter((check) => holds(check) && !overridden.has(check.id))
  return [...baseline, ...restricted].flatMap((check) => check.judge(candidate, minor) ?? [])
}

/** `privileged (container "a" must not …), hostPort (…)` */
export const detailsOf = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ')

export const reasonsOf = (violations: readonly Violation[]): string => violations.map(({ reason }) => reason).join(', ')
