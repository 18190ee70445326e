/** What the parts of a running lab share: its definition, its certificates, and the processes that are kept running. */
import type { Logger } from '../component/logger.ts'
import type { Pki } from './certificates.ts'
import { apiServerUrl, type LabDefinition, labPaths } from './definition.ts'
import { planLeftOut, planProcesses, type ProcessSpec, type Programs } from './processes.ts'
import { waitForApi, waitForSocket } from './readiness.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'

/** It may grow: everybody who holds it sees the nodes that come in later. */
export type GrowingLab = LabDefinition & { nodes: string[]; joined: string[] }

export interface RunningLab {
  lab: GrowingLab
  programs: Programs
  logger: Logger
  supervisor: Supervisor
  /** Aborts when the lab is being stopped. */
  signal: AbortSignal
  pki(): Pki
  setPki(pki: Pki): void
  /** Resolves when the API server answers. */
  apiReady(): Promise<void>
  /** The processes that are to run, all or those that match. */
  plan(matches?: (spec: ProcessSpec) => boolean): ProcessSpec[]
  leftOut(): ProcessSpec[]
}

export function createRunningLab(definition: LabDefinition, programs: Programs, logger: Logger, signal: AbortSignal): RunningLab {
  const lab: GrowingLab = { ...definition, nodes: [...definition.nodes], joined: [...(definition.joined ?? [])] }
  const paths = labPaths(lab.name)
  let current: Pki | undefined
  const pki = (): Pki => {
    if (!current) throw new Error(`Cannot tell the processes of lab ${lab.name}: it has no certificates yet`)
    return current
  }
  // Eight processes wait for the same server: one asks.
  let asking: Promise<void> | undefined
  const apiReady = () => (asking ??= waitForApi(apiServerUrl(lab), pki(), signal).finally(() => (asking = undefined)))
  const supervisor = createSupervisor(lab, logger, async ({ after, node }: ProcessSpec) => {
    if (after.includes('api')) await apiReady()
    if (after.includes('containerd')) await waitForSocket(paths.node(node!).containerdSocket, signal)
  })
  return {
    lab,
    programs,
    logger,
    supervisor,
    signal,
    pki,
    setPki: (made) => void (current = made),
    apiReady,
    plan: (matches = () => true) => planProcesses(lab, pki(), programs).filter(matches),
    leftOut: () => planLeftOut(lab, pki(), programs),
  }
}
