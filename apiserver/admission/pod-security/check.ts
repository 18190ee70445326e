/** The shape of one Pod Security check, and the words that all of them are put in. */
import type { Container, PodSpec } from '../../../api/generated/types.ts'

/** What a pod or a pod template is judged by. */
export interface Candidate {
  annotations: Readonly<Record<string, string>>
  spec: PodSpec
  /** Init, normal and ephemeral ones. */
  containers: readonly Container[]
}

export interface Violation {
  reason: string
  detail: string
}

/** Null: nothing to complain about. `minor` is that of the policy version that is asked for. */
export interface Check {
  /** Upstream's id: checks of one level are reported in this order. */
  id: string
  /** The first minor version of policies that has it. */
  since: number
  /** The baseline check that this one makes superfluous. */
  overrides?: string
  judge: (candidate: Candidate, minor: number) => Violation | null
}

export const toCandidate = (annotations: Record<string, string> | undefined, spec: PodSpec): Candidate => ({
  annotations: annotations ?? {},
  spec,
  containers: [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as unknown as Container[]),
  ],
})

export const quoted = (values: Iterable<string>): string => [...values].map((value) => `"${value}"`).join(', ')
export const plural = (word: string, count: number, many = `${word}s`): string => (count === 1 ? word : many)
export const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort()

/** `containers "a", "b"` */
export const named = (kind: string, names: readonly string[]): string => `${plural(kind, names.length)} ${quoted(names)}`

export const namesOf = (containers: readonly Container[]): string[] => containers.map(({ name }) => name)

/** `pod and container "a"`: who set what may not be set. */
export function setters(pod: boolean, containers: readonly Container[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [named('container', namesOf(containers))] : [])].join(' and ')
}

export const isWindows = ({ spec }: Candidate): boolean => spec.os?.name === 'windows'
/** Root in a user namespace is nobody outside of it. */
export const hasUserNamespace = ({ spec }: Candidate): boolean => spec.hostUsers === false
