/** exec, attach and portForward: the runtime gives a URL for the stream, and the client's connection is joined to it. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { badRequest } from '../../api/status.ts'
import type { Logger } from '../../component/logger.ts'
import type { Kubelet } from '../kubelet.ts'
import type { Cri } from '../runtime/cri-client.ts'
import { channelProtocol, serveChannels, type StreamChoice } from './channel-streams.ts'
import { requirePod, requireRunning } from './find-container.ts'
import { serveTunnel, tunnelProtocol } from './port-forward-tunnel.ts'
import { relay } from './relay.ts'

export interface StreamServer {
  /** Rejects before anything was answered when there is nothing to stream to. */
  serve(asked: URL, request: IncomingMessage, client: Duplex, head: Buffer): Promise<void>
}

const flag = (query: URLSearchParams, ...names: string[]): boolean =>
  names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''))

/** The kubelet's names, and those of the API's subresource. */
const readChoice = (query: URLSearchParams): StreamChoice => ({
  stdin: flag(query, 'input', 'stdin'),
  stdout: flag(query, 'output', 'stdout'),
  stderr: flag(query, 'error', 'stderr') && !flag(query, 'tty'),
  tty: flag(query, 'tty'),
})

export function createStreamServer(kubelet: Kubelet, cri: Cri, logger: Logger): StreamServer {
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  // The tunnel's name is no token of RFC 6455, which is why the library would refuse it: the choice is made here instead.
  const chosen = new WeakMap<IncomingMessage, string>()
  webSockets.on('headers', (headers, request) => {
    headers.push(`Sec-WebSocket-Protocol: ${chosen.get(request)}`)
  })

  async function findUrl(url: URL): Promise<{ url: URL; choice: StreamChoice }> {
    const [, verb, namespace = '', podName = '', ...rest] = url.pathname.split('/').map(decodeURIComponent)
    const query = url.searchParams
    const choice = readChoice(query)
    const worker = requirePod(kubelet, namespace, podName)
    if (verb === 'portForward') {
      const sandbox = worker.runtime().sandboxes.find(({ ready }) => ready)
      if (!sandbox) throw badRequest(`pod "${podName}" is not running`)
      const port = query
        .getAll('port')
        .flatMap((text) => text.split(','))
        .map(Number)
      return { choice, url: new URL((await cri.call('PortForward', { podSandboxId: sandbox.id, port })).url) }
    }
    if (!choice.stdin && !choice.stdout && !choice.stderr)
      throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
    // Upstream also takes the pod's UID before the container's name.
    const { id: containerId } = requireRunning(worker, rest.at(-1) ?? '')
    const answer =
      verb === 'exec'
        ? await cri.call('Exec', { containerId, cmd: query.getAll('command'), ...choice })
        : await cri.call('Attach', { containerId, ...choice })
    return { choice, url: new URL(answer.url) }
  }

  return {
    async serve(asked, request, client, head) {
      const { url, choice } = await findUrl(asked)
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
      const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket'
      const protocol = [channelProtocol, tunnelProtocol].find((candidate) => offered.includes(candidate))
      if (!isWebSocket || !protocol) return relay(request, client, head, url)
      const serve = protocol === channelProtocol ? serveChannels : serveTunnel
      chosen.set(request, protocol)
      delete request.headers['sec-websocket-protocol']
      webSockets.handleUpgrade(request, client, head, (socket) => {
        serve(socket, url, choice).catch((error: unknown) => {
          logger.warn('stream failed', { url: request.url, error: String(error) })
          socket.close(1011, String(error).slice(0, 120))
        })
      })
    },
  }
}
