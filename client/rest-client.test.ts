import { getEventListeners } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Pod } from '../api/generated/types.ts'
import { isConflict } from '../api/status.ts'
import { systemClock } from '../component/clock.ts'
import { silentLogger } from '../component/logger.ts'
import { createSelfSigned, type SelfSigned } from '../component/self-signed.ts'
import type { WatchEvent } from './api-client.ts'
import { createInformer } from './informer.ts'
import { createApiClient, type RestClient } from './rest-client.ts'
import { sourceOf } from './shared-informers.ts'

type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void

let tls: SelfSigned
let server: Server | undefined
let client: RestClient | undefined

beforeAll(async () => {
  tls = await createSelfSigned('test', ['localhost'], ['127.0.0.1'])
})

afterEach(async () => {
  await client?.close()
  await stop()
})

async function listen(handle: Handle, port = 0): Promise<number> {
  server = createServer(tls, (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => handle(request, response, body))
  })
  await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function stop(): Promise<void> {
  const closing = server
  server = undefined
  await new Promise<void>((resolve) => {
    if (!closing) return resolve()
    closing.close(() => resolve())
    closing.closeAllConnections()
  })
}

const connect = (port: number, authorization?: (rejected: boolean) => Promise<string>): RestClient =>
  (client = createApiClient({ server: `https://127.0.0.1:${port}`, ca: tls.cert, namespace: 'default', authorization }))

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
const pod = (name: string, resourceVersion: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name, uid: name, resourceVersion, managedFields: [{}] },
  spec: { containers: [] },
})

describe('the REST client', () => {
  test('gives a request up when its time is over, and does not try it again', async () => {
    let requests = 0
    const port = await listen(() => void requests++)
    const config = { server: `https://127.0.0.1:${port}`, ca: tls.cert, namespace: 'default', requestTimeoutMs: 200 }
    client = createApiClient(config)
    await expect(client.raw('GET', '/version')).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(requests).toBeLessThanOrEqual(1)
  })

  test('writes to the right path with cause and credentials, and rejects with the Status of the server', async () => {
    const seen: unknown[] = []
    const port = await listen((request, response, body) => {
      const { authorization, 'kubelab-cause': cause, 'content-type': type } = request.headers
      seen.push([request.method, request.url, authorization, cause, type, body])
      json(response, 409, { kind: 'Status', status: 'Failure', reason: 'Conflict', message: 'no', code: 409 })
    })
    const patch = connect(port, async () => 'Bearer x').patch(
      'Deployment',
      { namespace: 'default', name: 'web' },
      { a: 1 },
      { type: 'application/merge-patch+json', subresource: 'status', cause: 'pods/default/p@1' },
    )
    await expect(patch).rejects.toSatisfy(isConflict)
    expect(seen).toEqual([
      [
        'PATCH',
        '/apis/apps/v1/namespaces/default/deployments/web/status',
        'Bearer x',
        'pods/default/p@1',
        'application/merge-patch+json',
        '{"a":1}',
      ],
    ])
  })

  test('requests that share a signal put one listener on it, and all end with it, those that come later too', async () => {
    let answers = true
    const waiting: (() => void)[] = []
    const port = await listen((_, response) => {
      if (answers) json(response, 200, { kind: 'Status', status: 'Success' })
      else for (const tell of waiting.splice(0, 1)) tell()
    })
    const { raw } = connect(port)
    const stop = new AbortController()
    const { signal } = stop
    for (let round = 0; round < 5; round++) await raw('GET', '/version', { signal })
    answers = false
    const reached = [1, 2, 3].map(() => new Promise<void>((resolve) => waiting.push(resolve)))
    const stuck = [1, 2, 3].map(() => raw('GET', '/version', { signal }))
    await Promise.all(reached)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    stop.abort()
    const ended = await Promise.allSettled([...stuck, raw('GET', '/version', { signal })])
    expect(ended.map((result) => result.status === 'rejected' && result.reason.name)).toEqual(Array(4).fill('AbortError'))
  })

  test('keeps its connections over deletions', async () => {
    const connections = new Set<unknown>()
    const port = await listen(({ socket }, response) => {
      connections.add(socket)
      json(response, 200, { kind: 'Status', status: 'Success' })
    })
    const { delete: remove } = connect(port)
    for (let round = 0; round < 20; round++)
      await remove('Pod', { namespace: 'default', name: 'a' }, { preconditions: { uid: 'a' } })
    // The pool may have opened a second one before the first was free.
    expect(connections.size).toBeLessThan(5)
  })

  test('shows its newest certificate from the next request on, and lets a watch under the old one end', async () => {
    const seen: unknown[] = []
    let endWatch = () => {}
    server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate()
      if (!request.url?.includes('watch=true')) return json(response, 200, { seen: seen.push(subject.CN) })
      const event = { type: 'ADDED', object: pod(String(subject.CN), '1') }
      response.writeHead(200).write(`${JSON.stringify(event)}\n`)
      endWatch = () => void response.end(`${JSON.stringify(event)}\n`)
    })
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const [old, renewed] = await Promise.all(['old', 'renewed'].map((name) => createSelfSigned(name, [], [])))
    let certificate = old!
    const config = { server: `https://127.0.0.1:${port}`, ca: tls.cert, namespace: 'default' }
    client = createApiClient({ ...config, clientCertificate: () => certificate })
    const watch = client.watch('Pod', {})[Symbol.asyncIterator]()
    const first = await watch.next()
    await client.raw('GET', '/')
    certificate = renewed!
    await client.raw('GET', '/')
    endWatch()
    const second = await watch.next()
    const names = [first, second].map(({ value }) => (value as WatchEvent<Pod>).object.metadata.name)
    expect([seen, names]).toEqual([
      ['old', 'renewed'],
      ['old', 'old'],
    ])
  })

  test('repeats what the server did not take (429 with Retry-After), and a rejected token once', async () => {
    const answers = [429, 401, 200]
    const tokens: unknown[] = []
    const port = await listen((request, response) => {
      tokens.push(request.headers.authorization)
      json(response, answers.shift()!, { metadata: { name: 'web' } }, { 'retry-after': '0' })
    })
    const rest = connect(port, async (rejected) => (rejected ? 'Bearer new' : 'Bearer old'))
    expect((await rest.create('Pod', pod('web', ''))).metadata.name).toBe('web')
    expect(tokens).toEqual(['Bearer old', 'Bearer old', 'Bearer new'])
  })

  test('connects again when the server is just restarting', async () => {
    const port = await listen((_, response) => json(response, 200, pod('web', '1')))
    const rest = connect(port)
    await rest.get('Pod', { namespace: 'default', name: 'web' })
    await stop()
    const asking = rest.get('Pod', { namespace: 'default', name: 'web' })
    await listen((_, response) => json(response, 200, pod('web', '2')), port)
    expect((await asking).metadata.resourceVersion).toBe('2')
  })

  test('says what it could not reach', async () => {
    const port = await listen(() => {})
    await stop()
    const config = { server: `https://127.0.0.1:${port}`, ca: tls.cert, namespace: 'default' }
    const waits: number[] = []
    const clock = { ...systemClock, sleep: async (ms: number) => void waits.push(ms) }
    client = createApiClient(config, { clock })
    await expect(client.get('Node', { name: 'n' })).rejects.toThrow(
      `Cannot reach https://127.0.0.1:${port}: connect ECONNREFUSED`,
    )
    expect(waits).toEqual([50, 100, 200, 400])
  })
})

describe('an informer over HTTPS', () => {
  test('lives through restarts of the server in the middle of an event', async () => {
    const watches: string[] = []
    const answer: Handle = (request, response) => {
      const url = new URL(request.url!, 'https://x')
      if (!url.searchParams.has('watch'))
        return json(response, 200, { metadata: { resourceVersion: '10' }, items: [pod('a', '5')] })
      const from = url.searchParams.get('resourceVersion')!
      watches.push(from)
      response.writeHead(200, { 'content-type': 'application/json' })
      const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`
      if (from === '10') {
        response.write(line('ADDED', pod('b', '11')) + line('ADDED', pod('c', '12')).slice(0, 30))
        // Down it goes, and comes back at the same address.
        setImmediate(() => void stop().then(() => listen(answer, Number(url.host.split(':')[1]) || port)))
      } else {
        response.write(line('ADDED', pod('c', '12')) + line('DELETED', pod('a', '13')))
      }
    }
    const port = await listen(answer)
    const ended = new AbortController()
    const informer = createInformer<Pod>(sourceOf(connect(port), 'Pod'), {
      name: 'Pod',
      clock: systemClock,
      logger: silentLogger,
    })
    const heard: string[] = []
    informer.addHandlers({
      added: ({ metadata }) => heard.push(`+${metadata.name}${metadata.managedFields ? ' with managedFields' : ''}`),
      deleted: ({ metadata }) => heard.push(`-${metadata.name}`),
    })
    const running = informer.run(ended.signal)
    expect(await informer.whenReached('13', 5000)).toBe(true)
    expect(heard).toEqual(['+a', '+b', '+c', '-a'])
    expect(watches).toEqual(['10', '11'])
    ended.abort()
    await running
  })
})
