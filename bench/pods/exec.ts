/** One command in a container by way of the API server, as `kubectl exec` does it. */
import WebSocket from 'ws'
import type { ClientConfig } from '../../client/kubeconfig.ts'

/** Resolves when the command has ended. */
export function execInPod(
  { server, ca, cert, key }: ClientConfig,
  namespace: string,
  pod: string,
  command: string[],
): Promise<void> {
  const query = new URLSearchParams([
    ...command.map((word): [string, string] => ['command', word]),
    ['stdout', 'true'],
    ['stderr', 'true'],
  ])
  const url = `${server.replace(/^http/, 'ws')}/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query.toString()}`
  const socket = new WebSocket(url, ['v5.channel.k8s.io'], { ca, cert, key })
  return new Promise((resolve, reject) => {
    let status = ''
    socket.on('message', (data: Buffer) => {
      if (data[0] === 3) status += data.subarray(1).toString()
    })
    socket.on('error', reject)
    socket.on('close', () => (status.includes('"Success"') ? resolve() : reject(new Error(`Cannot measure exec: ${status}`))))
  })
}
