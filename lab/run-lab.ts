/** A running lab, as its supervisor holds it: builds what is missing, starts everything, takes it down again. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { getServers } from 'node:dns'
import path from 'node:path'
import type { Logger } from '../component/logger.ts'
import { type AdminConfig, openAdminConfig } from './admin-config.ts'
import { ensureAuditPolicy } from './audit-policy.ts'
import { ensurePki, type Pki } from './certificates.ts'
import type { ApiClient } from '../client/api-client.ts'
import { createApiClient } from '../client/rest-client.ts'
import { installIngressOnDemand } from './addons/ingress-on-demand.ts'
import { applyObjects, installAddons } from './addons/install.ts'
import { createCgroups, removeCgroups } from './cgroups.ts'
import type { ControlTarget, LabStatus } from './control.ts'
import { approveServing } from './join/approve-serving.ts'
import { clusterInfoObjects } from './join/cluster-info.ts'
import { prepareJoin } from './join/join-node.ts'
import { writeKubeconfigs } from './kubeconfigs.ts'
import { apiServerUrl, type LabDefinition, labPaths, nodeAddress } from './definition.ts'
import { saveLab } from './known-labs.ts'
import {
  addBlackholes,
  announceNode,
  closeInternet,
  createControlPlaneNetwork,
  createNodeNetwork,
  createSwitch,
  deleteNetwork,
  openInternet,
} from './network.ts'
import { runLoadBalancer } from './load-balancer/run-load-balancer.ts'
import { powerOff, powerOn, prepareNodeFiles, runningInit } from './node-machine.ts'
import { planLeftOut, planProcesses, type ProcessSpec, type Programs } from './processes.ts'
import { createProgress } from './progress.ts'
import { waitForApi, waitForSocket } from './readiness.ts'
import { pkiOptions, renewCertificates, runRenewals } from './renewal.ts'
import { createSupervisor } from './supervisor.ts'
import { trimLogs } from './trim-logs.ts'

/** How long a token may wait for its signature. */
const JOIN_MS = 60_000

export async function runLab(
  definition: LabDefinition,
  programs: Programs,
  logger: Logger,
): Promise<{ control: ControlTarget; stopped: Promise<void> }> {
  // It may grow: everybody who holds it sees the nodes that come in later.
  const lab = { ...definition, nodes: [...definition.nodes], joined: [...(definition.joined ?? [])] }
  const paths = labPaths(lab.name)
  const progress = createProgress(logger)
  const stopping = new AbortController()
  let phase: LabStatus['phase'] = 'starting'
  let pki: Pki
  let client: ApiClient
  let admin: AdminConfig | undefined

  // Eight processes wait for the same server: one asks.
  let asking: Promise<void> | undefined
  const apiReady = () => (asking ??= waitForApi(apiServerUrl(lab), pki, stopping.signal).finally(() => (asking = undefined)))
  const supervisor = createSupervisor(lab, logger, async ({ after, node }: ProcessSpec) => {
    if (after.includes('api')) await apiReady()
    if (after.includes('containerd')) await waitForSocket(paths.node(node!).containerdSocket, stopping.signal)
  })
  const plan = (matches: (spec: ProcessSpec) => boolean = () => true) => planProcesses(lab, pki, programs).filter(matches)

  async function startMachine(node: string): Promise<void> {
    await Promise.all([createNodeNetwork(lab, node), prepareNodeFiles(lab, node)])
    await powerOn(lab, node)
    // Ours makes its own; upstream's wants to find it.
    if (lab.without?.includes('kubelet')) createCgroups(lab, node)
    supervisor.start(plan((spec) => spec.node === node))
  }

  async function start(): Promise<void> {
    for (const folder of [paths.logs, paths.kubeconfigs, paths.etcd]) await mkdir(folder, { recursive: true, mode: 0o700 })
    await addBlackholes(lab)
    await createSwitch(lab)
    pki = await ensurePki(paths.pki, pkiOptions(lab))
    await Promise.all([createControlPlaneNetwork(lab), writeKubeconfigs(lab, pki), ensureAuditPolicy(paths.auditPolicy)])
    if (lab.internet) await openInternet(lab)
    progress.done('network and certificates')
    supervisor.start(plan((spec) => !spec.node))
    await Promise.all(lab.nodes.filter((node) => !existsSync(offMarker(lab, node))).map(startMachine))
    progress.done('nodes switched on')
    await apiReady()
    progress.done('API server ready')
    admin = await openAdminConfig(paths.adminKubeconfig)
    client = createApiClient(admin.config)
    const installation = { ...programs, upstream: lab.internet ? getServers() : [] }
    await Promise.all([
      installAddons(client, installation),
      applyObjects(client, clusterInfoObjects(apiServerUrl(lab), await readFile(pki.ca.certificate, 'utf8'))),
    ])
    progress.done('addons applied')
    void installIngressOnDemand(client, installation, logger, stopping.signal).catch((error: unknown) =>
      logger.error('cannot bring the ingress controller', { error }),
    )
    void runLoadBalancer(lab, admin.config, logger, stopping.signal).catch((error: unknown) =>
      logger.error('cannot balance loads', { error }),
    )
    if (lab.joined.length > 0) approveJoined()
    phase = 'running'
  }

  let approving: Promise<void> | undefined
  const approveJoined = () => {
    approving ??= approveServing(lab, client, logger, stopping.signal).catch((error: unknown) =>
      logger.error('cannot approve serving certificates', { error }),
    )
  }

  async function addNode(node: string): Promise<void> {
    await startup
    assertNewNode(lab, node)
    // Nobody else may take the address while the token is made.
    lab.nodes.push(node)
    lab.joined.push(node)
    try {
      await prepareJoin(lab, node, apiServerUrl(lab), client, AbortSignal.any([stopping.signal, AbortSignal.timeout(JOIN_MS)]))
      await saveLab(lab)
    } catch (error) {
      lab.nodes.splice(lab.nodes.indexOf(node), 1)
      lab.joined.splice(lab.joined.indexOf(node), 1)
      throw error
    }
    approveJoined()
    await startMachine(node)
    await announceNode(lab, node)
  }

  let markStopped: () => void
  const stopped = new Promise<void>((resolve) => (markStopped = resolve))
  const startup = start()
  // Progress and stop both look at it; a failure nobody has asked for yet must not end the process unheard.
  startup.catch((error: unknown) => logger.error('cannot start the lab', { error }))
  const stopTrimming = trimLogs(paths.logs, () => supervisor.states().map(({ name }) => name), logger)

  const renewals = runRenewals(async (renew) => {
    await startup
    const isOn = ({ node }: ProcessSpec) => !node || !existsSync(offMarker(lab, node))
    const { pki: fresh, ...outcome } = await renewCertificates({ lab, renew, specs: plan(isOn), supervisor, apiReady })
    pki = fresh
    await admin?.refresh()
    return outcome
  }, logger)

  const control: ControlTarget = {
    status: () => ({
      name: lab.name,
      phase,
      steps: progress.steps,
      processes: supervisor.states(),
      leftOut: phase === 'starting' ? [] : planLeftOut(lab, pki, programs),
      nodes: lab.nodes.map((name) => ({ name, address: nodeAddress(lab, name), power: runningInit(lab, name) ? 'on' : 'off' })),
    }),
    progress: (onStep) => progress.follow(onStep, startup),
    async stopNode(node) {
      assertNode(lab, node)
      await writeFile(offMarker(lab, node), '')
      await supervisor.stop((spec) => spec.node === node)
      await powerOff(lab, node)
    },
    async startNode(node) {
      assertNode(lab, node)
      await rm(offMarker(lab, node), { force: true })
      await startMachine(node)
    },
    addNode,
    renewCertificates: renewals.renew,
    async stop() {
      phase = 'stopping'
      stopping.abort(new Error('the lab is being stopped'))
      stopTrimming()
      renewals.stop()
      await startup.catch(() => undefined)
      // Servers after their clients: who holds a lease gives it back, or the next start waits for it to run out.
      await supervisor.stop(({ name }) => name !== 'etcd' && name !== 'kube-apiserver')
      await supervisor.stop(({ name }) => name !== 'etcd')
      await supervisor.stop(() => true)
      await tearDown(lab)
      markStopped()
    },
  }
  return { control, stopped }
}

/** Takes away what is left of a lab when its processes are gone: nodes, network, cgroups. Also right when only parts of it stand. */
export async function tearDown(lab: LabDefinition): Promise<void> {
  await Promise.all(lab.nodes.map((node) => powerOff(lab, node)))
  if (lab.internet) await closeInternet(lab)
  await deleteNetwork(lab)
  removeCgroups(lab)
}

function assertNode(lab: LabDefinition, node: string) {
  if (!lab.nodes.includes(node)) throw new Error(`Cannot find node ${node}: the lab has ${lab.nodes.join(', ')}`)
}

/** Addresses of nodes end where those of load balancers begin. */
const MOST_NODES = 100

function assertNewNode({ nodes }: LabDefinition, node: string) {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(node)) throw new Error(`Cannot add "${node}": it is no DNS label`)
  if (nodes.includes(node)) throw new Error(`Cannot add ${node}: the lab has it already`)
  if (nodes.length >= MOST_NODES) throw new Error(`Cannot add ${node}: a lab has at most ${MOST_NODES} nodes`)
}

/** Present while a person has switched the node off; a restarted supervisor leaves it off, a reboot does not. */
const offMarker = (lab: LabDefinition, node: string) => path.join(labPaths(lab.name).run, 'nodes', node, 'off')
