/** What went through the node's own network interfaces, as the kernel counts. */
import { readFile } from 'node:fs/promises'

export interface InterfaceStats {
  name: string
  rxBytes: number
  rxErrors: number
  txBytes: number
  txErrors: number
}

/** Pure: `/proc/net/dev`, without the loopback. */
const parseInterfaces = (text: string): InterfaceStats[] =>
  text.split('\n').flatMap((line) => {
    const [, name, rest] = /^\s*([^:\s]+):\s*(.+)$/.exec(line) ?? []
    if (!name || !rest || name === 'lo') return []
    const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = rest.trim().split(/\s+/).map(Number)
    return [{ name, rxBytes, rxErrors, txBytes, txErrors }]
  })

/** Pure: the interface of the default route in `/proc/net/route`. */
export const defaultInterface = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.split(/\s+/))
    .find(([, destination]) => destination === '00000000')?.[0]

/** The default one's numbers beside the list of all, as upstream's summary has them. */
export async function readNodeNetwork(time: string): Promise<object> {
  const [devices, routes] = await Promise.all([
    readFile('/proc/net/dev', 'utf8').catch(() => ''),
    readFile('/proc/net/route', 'utf8').catch(() => ''),
  ])
  const interfaces = parseInterfaces(devices)
  const own = defaultInterface(routes)
  return { time, ...interfaces.find(({ name }) => name === own), interfaces }
}
