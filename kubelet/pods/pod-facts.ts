/** What a pod's worker knows beside the spec and the runtime: tasks under way, probe results, failures and their waits. */

import type { ResourceRequirements } from '../../api/generated/types.ts'
import type { ResizeProblem } from './resize.ts'

export interface ImageFact {
  /** What the container is made from: the image's own id. */
  imageRef?: string
  /** What the image says to run as. */
  user?: { uid?: number | undefined; name?: string | undefined }
  /** Set while the image cannot be had; `ensure-image` is tried again after `untilMs`. */
  failure?: Waiting & { untilMs: number }
}

/** What the container runs with, by container id; a resize has not reached the others. */
export type AppliedResources = ReadonlyMap<string, ResourceRequirements>

/** Why a container is not running, as its status tells it. */
export interface Waiting {
  reason: string
  message: string
}

export interface ProbeFacts {
  startup?: boolean
  readiness?: boolean
  /** Set when the liveness or startup probe has failed often enough: the container must be ended. */
  fatal?: { probe: 'liveness' | 'startup'; graceSeconds?: number | undefined }
}

export interface RestartBackoff {
  delayMs: number
  updatedMs: number
}

/** How a pod that the kubelet itself gave up on ended. */
export interface Verdict {
  phase: 'Failed' | 'Succeeded'
  reason: string
  message: string
  /** The pod was not to run here at all. */
  rejected?: true
  /** Less than the pod's own grace period when the node cannot wait. */
  graceSeconds?: number
}

export interface PodFacts {
  /** Tasks under way, named by `taskKey`: none is started twice at once. */
  busy: ReadonlySet<string>
  /** Tasks that failed, and when to try them again. */
  notBefore: ReadonlyMap<string, number>
  /** By container name. */
  images: ReadonlyMap<string, ImageFact>
  volumesReady: boolean
  /** By container name. */
  waiting: ReadonlyMap<string, Waiting>
  backoffs: ReadonlyMap<string, RestartBackoff>
  /** By container id. */
  probes: ReadonlyMap<string, ProbeFacts>
  /** When each container being stopped will be killed, by container id, in milliseconds since 1970. */
  killing: ReadonlyMap<string, number>
  /** When the first container was told to go because the pod ends. */
  endingSinceMs?: number | undefined
  /** Containers whose preStop hook has run before their turn to end came. */
  preStopped: ReadonlySet<string>
  /** Sandboxes whose network and processes are gone. */
  stoppedSandboxes: ReadonlySet<string>
  /** Volumes, cgroups and the like were given back. */
  released: boolean
  /** The API has no such pod any more. */
  gone: boolean
  /** The API was told that nothing of the pod is left. */
  finished: boolean
  verdict?: Verdict | undefined
  applied: AppliedResources
  resizeProblem?: ResizeProblem | undefined
  /** Why the last try to change the resources of a running container failed. */
  resizeError?: string | undefined
  startedMs: number
}

export const isStarting = ({ busy }: Pick<PodFacts, 'busy'>): boolean => [...busy].some((key) => key.startsWith('start/'))

/** Something of the pod is being made: it shows up in the runtime in a moment, and can be ended only then. */
export const isComingUp = (facts: Pick<PodFacts, 'busy'>): boolean =>
  isStarting(facts) || facts.busy.has('sandbox') || facts.busy.has('volumes')
