/** Brings a lab up, step by step: builds what is missing, starts every process, gives the cluster what a lab brings along. */
import { getServers } from 'node:dns'
import { mkdir, readFile } from 'node:fs/promises'
import { createApiClient } from '../client/rest-client.ts'
import { installIngressOnDemand } from './addons/ingress-on-demand.ts'
import { applyObjects, installAddons } from './addons/install.ts'
import { type AdminConfig, openAdminConfig } from './admin-config.ts'
import { ensureAuditPolicy } from './audit-policy.ts'
import { ensurePki } from './certificates.ts'
import { apiServerUrl, labPaths } from './definition.ts'
import { clusterInfoObjects } from './join/cluster-info.ts'
import { createJoining, type Joining } from './join/take-in.ts'
import { writeKubeconfigs } from './kubeconfigs.ts'
import { runLoadBalancer } from './load-balancer/run-load-balancer.ts'
import { addBlackholes, createControlPlaneNetwork, createSwitch, openInternet } from './network.ts'
import { isSwitchedOff, startMachine } from './node-power.ts'
import type { Progress } from './progress.ts'
import { pkiOptions } from './renewal.ts'
import type { RunningLab } from './running-lab.ts'

/** What there is of a cluster once the lab is up. */
export interface Cluster {
  admin: AdminConfig
  joining: Joining
}

export async function bringUp(running: RunningLab, progress: Progress): Promise<Cluster> {
  await prepareHost(running)
  progress.done('network and certificates')
  await startProcesses(running)
  progress.done('nodes switched on')
  await running.apiReady()
  progress.done('API server ready')
  const cluster = await furnish(running)
  progress.done('addons applied')
  return cluster
}

async function prepareHost({ lab, setPki }: RunningLab): Promise<void> {
  const paths = labPaths(lab.name)
  for (const folder of [paths.logs, paths.kubeconfigs, paths.etcd]) await mkdir(folder, { recursive: true, mode: 0o700 })
  await addBlackholes(lab)
  await createSwitch(lab)
  const pki = await ensurePki(paths.pki, pkiOptions(lab))
  setPki(pki)
  await Promise.all([createControlPlaneNetwork(lab), writeKubeconfigs(lab, pki), ensureAuditPolicy(paths.auditPolicy)])
  if (lab.internet) await openInternet(lab)
}

async function startProcesses(running: RunningLab): Promise<void> {
  const { lab, supervisor, plan } = running
  supervisor.start(plan((spec) => !spec.node))
  await Promise.all(lab.nodes.filter((node) => !isSwitchedOff(lab, node)).map((node) => startMachine(running, node)))
}

/** What a lab brings into its cluster, once, and what it does for it from then on. */
async function furnish(running: RunningLab): Promise<Cluster> {
  const { lab, programs, logger, signal } = running
  const admin = await openAdminConfig(labPaths(lab.name).adminKubeconfig)
  const client = createApiClient(admin.config)
  const installation = { ...programs, upstream: lab.internet ? getServers() : [] }
  await Promise.all([
    installAddons(client, installation),
    applyObjects(client, clusterInfoObjects(apiServerUrl(lab), await readFile(running.pki().ca.certificate, 'utf8'))),
  ])
  void installIngressOnDemand(client, installation, logger, signal).catch((error: unknown) =>
    logger.error('cannot bring the ingress controller', { error }),
  )
  void runLoadBalancer(lab, admin.config, logger, signal).catch((error: unknown) =>
    logger.error('cannot balance loads', { error }),
  )
  return { admin, joining: createJoining(running, client) }
}
