/**
 * The lab's load balancer: routes the addresses of services of type LoadBalancer from the switch over the nodes that serve.
 *
 * What it set up is in the kernel: traffic goes on while the supervisor restarts. It asks nodes only while there is an address.
 */
import type { Service } from '../../api/generated/types.ts'
import { createApiClient } from '../../client/rest-client.ts'
import { createSharedInformers } from '../../client/shared-informers.ts'
import type { ClientConfig } from '../../client/kubeconfig.ts'
import { systemClock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { isLoadBalancerAddress, type LabDefinition, nodeAddress, switchNamespace } from '../definition.ts'
import { ip, ipBatch } from '../network.ts'
import { runningInit } from '../node-machine.ts'
import { addressesOf, computePaths, healthPortOf, type NodeHealth } from './compute-paths.ts'
import { probe } from './probe.ts'
import { hopLines, pathLines, ROUTE_PROTOCOL } from './route-commands.ts'

const PROBE_MS = 400

/** Runs until the signal aborts; resolves when it watches. */
export async function runLoadBalancer(
  lab: LabDefinition,
  config: ClientConfig,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const client = createApiClient(config, { connections: 1 })
  const informers = createSharedInformers(client, { clock: systemClock, logger, signal })
  const services = informers.informer('Service')
  const health = new Map<number, Map<string, NodeHealth>>()
  let before = await existingPaths(lab)
  let stopped = false
  let wake = () => {}
  let woken = false

  const ask = async (port: number) => {
    const known = health.get(port)
    const answers = lab.nodes.map(async (node): Promise<[string, NodeHealth]> => {
      const isOn = runningInit(lab, node) !== undefined
      const last = isOn ? await probe(nodeAddress(lab, node), port) : 'silent'
      return [node, { isOn, last, lastOk: last === 'ok' ? Date.now() : isOn ? known?.get(node)?.lastOk : undefined }]
    })
    health.set(port, new Map(await Promise.all(answers)))
  }
  const round = async () => {
    const addresses = addressesOf(services.store.list(), (address) => isLoadBalancerAddress(lab, address))
    const ports = new Set([...addresses.values()].map(healthPortOf))
    for (const port of health.keys()) if (!ports.has(port)) health.delete(port)
    await Promise.all([...ports].map(ask))
    const after = computePaths(addresses, (port) => health.get(port) ?? new Map(), before, Date.now())
    const lines = pathLines(lab, before, after)
    if (lines.length > 0) {
      await ipBatch(switchNamespace(lab), lines)
      logger.info('load balancer paths changed', { paths: Object.fromEntries(after) })
    }
    before = after
    return addresses.size > 0
  }
  const loop = async () => {
    let balancing = true
    while (!stopped) {
      woken = false
      try {
        balancing = await round()
      } catch (error) {
        logger.warn('cannot route load balancer addresses, trying again', { error: String(error) })
        before = await existingPaths(lab).catch(() => before)
        balancing = true
      }
      if (stopped || woken) continue
      await new Promise<void>((resolve) => {
        const timer = balancing ? setTimeout(resolve, PROBE_MS) : undefined
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    await client.close()
  }
  const rouse = () => {
    woken = true
    wake()
  }
  const onService = (service: Service, old?: Service) => {
    if (service.spec?.type === 'LoadBalancer' || old?.spec?.type === 'LoadBalancer') rouse()
  }
  await ipBatch(switchNamespace(lab), hopLines(lab))
  informers.start()
  await informers.whenSynced()
  services.addHandlers({ added: (service, initial) => initial || onService(service), updated: onService, deleted: onService })
  signal.addEventListener('abort', () => {
    stopped = true
    rouse()
  })
  loop().catch((error: unknown) => logger.error('the load balancer ended', { error }))
}

/** What an earlier supervisor left. Who is behind it is not asked: the first round writes it anew, and buckets stay. */
async function existingPaths(lab: LabDefinition): Promise<Map<string, readonly string[]>> {
  const routes = JSON.parse((await ip(switchNamespace(lab), '-j', 'route', 'show', 'proto', ROUTE_PROTOCOL)) || '[]') as {
    dst: string
    nexthops?: { gateway: string }[]
    gateway?: string
  }[]
  const nodeAt = new Map(lab.nodes.map((node) => [nodeAddress(lab, node), node]))
  return new Map(
    routes
      .filter(({ dst }) => isLoadBalancerAddress(lab, dst))
      .map(({ dst, nexthops, gateway }) => [
        dst,
        (nexthops ?? (gateway ? [{ gateway }] : [])).flatMap((hop) => nodeAt.get(hop.gateway) ?? []),
      ]),
  )
}
