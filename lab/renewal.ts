/** New certificates for a lab that runs: each process that reads a file that changed is started again, once. */
import type { Logger } from '../component/logger.ts'
import { certificateFiles, ensurePki, type EnsureOptions, type Pki } from './certificates.ts'
import { distinct, planCertificates, type PkiOptions } from './certificate-plan.ts'
import { controlPlaneAddress, hasJoined, hostAddress, type LabDefinition, labPaths, nodeAddress } from './definition.ts'
import { writeKubeconfigs } from './kubeconfigs.ts'
import type { ProcessSpec } from './processes.ts'
import type { Supervisor } from './supervisor.ts'

export interface RenewalOutcome {
  /** Names of certificates: `apiserver`, `etcd/server`. */
  renewed: readonly string[]
  /** Names of processes. */
  restarted: readonly string[]
}

export const pkiOptions = (lab: LabDefinition): PkiOptions => ({
  // Those that joined ask for theirs themselves.
  nodes: lab.nodes.filter((name) => !hasJoined(lab, name)).map((name) => ({ name, addresses: [nodeAddress(lab, name)] })),
  apiServerAddresses: [controlPlaneAddress(lab), hostAddress(lab)],
})

const CHECK_MS = 24 * 3600_000

/** Names, of which none means all; or those that end within two months. */
export type Wanted = readonly string[] | 'due'

export interface Renewal {
  lab: LabDefinition
  renew: Wanted
  /** What runs now. */
  specs: readonly ProcessSpec[]
  supervisor: Pick<Supervisor, 'start' | 'stop'>
  apiReady: () => Promise<void>
}

export interface Renewals {
  renew(wanted: Wanted): Promise<RenewalOutcome>
  stop(): void
}

/**
 * Renewals in turn, as they write the same files; what is due is renewed by itself: a lab that is never taken down must not end
 * with its certificates.
 */
export function runRenewals(renew: (wanted: Wanted) => Promise<RenewalOutcome>, logger: Logger): Renewals {
  let last: Promise<unknown> = Promise.resolve()
  const renewInTurn = (wanted: Wanted): Promise<RenewalOutcome> => {
    const turn = last.then(() => renew(wanted))
    // Its failure is told to who asked; the next one has its own turn.
    last = turn.catch(() => undefined)
    return turn
  }
  const timer = setInterval(() => {
    renewInTurn('due').then(
      ({ renewed, restarted }) => renewed.length > 0 && logger.info('certificates renewed', { renewed, restarted }),
      (error: unknown) => logger.error('cannot renew certificates', { error }),
    )
  }, CHECK_MS)
  return { renew: renewInTurn, stop: () => clearInterval(timer) }
}

/** The API server first: who gives a lease back as it ends needs one that answers. Containers and pods do not notice. */
export async function renewCertificates(renewal: Renewal): Promise<RenewalOutcome & { pki: Pki }> {
  const { lab, renew, specs, supervisor, apiReady } = renewal
  const { pki, changed } = await renewFiles(lab, renew)
  const users = usersOf(specs, changed)
  const restart = async (wanted: readonly ProcessSpec[]) => {
    const names = new Set(wanted.map(({ name }) => name))
    await supervisor.stop(({ name }) => names.has(name))
    supervisor.start(wanted)
  }
  const isServer = ({ name }: ProcessSpec) => name === 'kube-apiserver'
  if (users.some(isServer)) {
    await restart(users.filter(isServer))
    await apiReady()
  }
  await restart(users.filter((spec) => !isServer(spec)))
  return { pki, renewed: pki.renewed, restarted: users.map(({ name }) => name) }
}

/** Makes them on disk; also for a lab that is down, whose next start reads them. */
export async function renewFiles(lab: LabDefinition, renew: Wanted): Promise<{ pki: Pki; changed: Set<string> }> {
  const { pki: folder } = labPaths(lab.name)
  const options = pkiOptions(lab)
  const named = renew === 'due' ? undefined : renew
  assertKnown(options, named ?? [])
  const wanted: EnsureOptions = { ...options, renew: (file) => named?.length === 0 || (named?.includes(file) ?? false) }
  const pki = await ensurePki(folder, wanted)
  const kubeconfigs = await writeKubeconfigs(lab, pki)
  const files = pki.renewed.map((name) => certificateFiles(folder, name))
  return { pki, changed: new Set([...files.flatMap(({ certificate, key }) => [certificate, key]), ...kubeconfigs]) }
}

function assertKnown(options: PkiOptions, names: readonly string[]): void {
  const known = planCertificates(options).filter(({ authority }) => authority)
  const unknown = names.find((name) => !known.some(({ file }) => file === name))
  if (unknown === undefined) return
  const list = distinct(known.map(({ file }) => file)).join(', ')
  throw new Error(`Cannot renew ${JSON.stringify(unknown)}: what can be renewed is ${list}`)
}

/** Pure: whose command line names a file that changed. etcd reads its certificates again at each handshake. */
export const usersOf = (specs: readonly ProcessSpec[], changed: ReadonlySet<string>): ProcessSpec[] =>
  specs.filter(({ name, command }) => name !== 'etcd' && command.some((word) => changed.has(word.slice(word.indexOf('=') + 1))))
