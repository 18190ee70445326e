/** `kubelab port-forward`: ports of this machine lead into a pod. */
import type { AddressInfo, Server } from 'node:net'
import type { Pod, Service } from '../../api/generated/types.ts'
import type { CliCommand } from '../commands.ts'
import { collectList } from '../arguments/collect.ts'
import { CliError } from '../errors.ts'
import { findPods } from '../arguments/find-pods.ts'
import { type Forwarding, listen, openForwarding } from '../streams/forward-ports.ts'
import { parsePorts, type PortPair } from '../streams/port-pairs.ts'
import type { Session } from '../session.ts'

interface Options {
  address?: string[]
  podRunningTimeout: string
}

export const portForward: CliCommand = (program, open) => {
  program
    .command('port-forward <pod> [ports...]')
    .description('Lead ports of this machine into a pod: port-forward web 8080:80, port-forward svc/web :80')
    .option('--address <addresses>', 'where to listen: localhost, 0.0.0.0', collectList)
    .option('--pod-running-timeout <duration>', 'how long to wait for a pod that runs', '1m0s')
    .action(async (name: string, ports: string[], options: Options) => {
      if (ports.length === 0)
        throw new CliError(
          "TYPE/NAME and list of ports are required for port-forward\nSee 'kubelab port-forward -h' for help and examples",
        )
      const session = await open()
      const { pod, service } = await findTarget(session, name)
      const pairs = parsePorts(ports, pod, service)
      const phase = pod.status?.phase
      if (phase !== 'Running') throw new CliError(`unable to forward port because pod is not running. Current status=${phase}`)
      const { namespace, name: podName } = pod.metadata
      const forwarding = await openForwarding(session, `/api/v1/namespaces/${namespace}/pods/${podName}/portforward`)
      const servers = await listenAll(session, forwarding, pairs, options.address ?? ['localhost'])
      const interrupted = new Promise<'interrupted'>((resolve) => process.once('SIGINT', () => resolve('interrupted')))
      const ended = await Promise.race([forwarding.lost.then(() => 'lost' as const), interrupted])
      forwarding.close()
      for (const server of servers) server.close()
      if (ended === 'lost') throw new CliError('lost connection to pod')
      process.exit(0)
    })
}

async function findTarget(session: Session, name: string): Promise<{ pod: Pod; service?: Service }> {
  const [pod] = await findPods(session, name)
  const [typeName = '', plain = ''] = name.split('/')
  if (!name.includes('/') || (await session.types.find(typeName)).kind !== 'Service') return { pod: pod! }
  return { pod: pod!, service: await session.client.get('Service', { namespace: session.namespace, name: plain }) }
}

const addressesOf = (address: string): string[] => (address === 'localhost' ? ['127.0.0.1', '::1'] : [address])

async function listenAll(session: Session, forwarding: Forwarding, pairs: PortPair[], addresses: string[]): Promise<Server[]> {
  const servers: Server[] = []
  const failures: string[] = []
  for (const { local, remote } of pairs) {
    for (const address of addresses.flatMap(addressesOf)) {
      const shown = address.includes(':') ? `[${address}]` : address
      try {
        const server = await listen(address, local, (socket) => {
          session.print(`Handling connection for ${(server.address() as AddressInfo).port}`)
          forwarding.connect(socket, remote).catch((error: unknown) => {
            session.note(`error: ${(error as Error).message}`)
            socket.destroy()
          })
        })
        servers.push(server)
        session.print(`Forwarding from ${shown}:${(server.address() as AddressInfo).port} -> ${remote}`)
      } catch (error) {
        failures.push((error as Error).message)
        // A machine without IPv6 has no ::1 to listen on, which is no matter.
        if (address !== '::1')
          session.note(
            `Unable to listen on port ${local}: Listeners failed to create with the following errors: [unable to create listener: Error ${(error as Error).message}]`,
          )
      }
    }
  }
  if (servers.length === 0) {
    forwarding.close()
    throw new CliError(
      `unable to listen on any of the requested ports: [${pairs.map(({ local, remote }) => `{${local} ${remote}}`).join(' ')}]`,
    )
  }
  return servers
}
