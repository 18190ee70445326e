/** GET /containerLogs/<namespace>/<pod>/<container> */
import type { ServerResponse } from 'node:http'
import { badRequest } from '../../api/status.ts'
import type { Kubelet } from '../kubelet.ts'
import { newestContainer } from '../runtime/pod-runtime.ts'
import { requireLogged, requirePod } from './find-container.ts'
import { type LogOptions, readLog } from './log-reader.ts'

export async function serveContainerLogs(
  kubelet: Kubelet,
  [namespace, podName, containerName]: [string, string, string],
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const options = readOptions(query)
  const worker = requirePod(kubelet, namespace, podName)
  const container = requireLogged(worker, containerName, query.get('previous') === 'true')
  const source = {
    path: container.logPath,
    running: () => {
      const now = worker.runtime().containers.find(({ id }) => id === container.id)
      return now?.state === 'running' && newestContainer(worker.runtime(), containerName)?.id === container.id
    },
    onChange: worker.onLook,
  }
  const closed = new AbortController()
  response.on('close', () => closed.abort())
  response.writeHead(200, { 'content-type': 'text/plain' })
  // A reader that follows wants to know at once that it is connected.
  response.flushHeaders()
  for await (const bytes of readLog(source, options, closed.signal)) {
    if (!response.write(bytes)) await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
}

function readOptions(query: URLSearchParams): LogOptions {
  const flag = (name: string) => query.get(name) === 'true' || query.get(name) === '1'
  const number = (name: string): number | undefined => {
    const text = query.get(name)
    if (text === null || text === '') return undefined
    const value = Number(text)
    if (!Number.isInteger(value) || value < 0) throw badRequest(`Invalid value for ${name}: ${text}`)
    return value
  }
  const sinceSeconds = number('sinceSeconds')
  const sinceTime = query.get('sinceTime')
  return {
    follow: flag('follow'),
    timestamps: flag('timestamps'),
    sinceMs: sinceSeconds === undefined ? (sinceTime ? Date.parse(sinceTime) : undefined) : Date.now() - sinceSeconds * 1000,
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
    stream: (query.get('stream') as 'Stdout' | 'Stderr' | 'All' | null) ?? 'All',
  }
}
