/** What the API server passes on: logs, exec, port-forward and proxies, to a kubelet and a pod that are small servers here. */
import { EventEmitter, once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryStore } from '../../apiserver/storage/memory-store.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { createHttpClient, type Client } from './http-client.ts'
import { createAuditRecorder } from '../../apiserver/audit/audit-recorder.ts'
import { parseAuditPolicy } from '../../apiserver/audit/audit-policy.ts'
import { ADMIN_TOKEN, startTestServer, type TestServer } from './start-server.ts'

const store = new MemoryStore()
let server: TestServer
let call: Client
let kubelet: Server
let web: HttpServer
const asked: { url: string | undefined; authorization: string | undefined; client: string }[] = []

const portOf = (listening: { address(): unknown }) => (listening.address() as AddressInfo).port
const listen = (one: Server | HttpServer) => new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
const PODS = '/api/v1/namespaces/default/pods'

/** What the audit log was given, as a lab has it: only the ends of requests. */
const recorded: { requestURI: string; responseStatus: { code: number } }[] = []
const onRecord = new EventEmitter()
const policy =
  '{apiVersion: audit.k8s.io/v1, kind: Policy, omitStages: [RequestReceived, ResponseStarted], rules: [{level: Metadata}]}'
const log = {
  write: (event: object) => {
    recorded.push(event as (typeof recorded)[number])
    onRecord.emit('record')
  },
  taken: () => recorded.length,
  dropped: () => 0,
  flush: async () => {},
  close: async () => {},
}
const audit = { log, recorder: createAuditRecorder(parseAuditPolicy(policy), log) }

/** Resolves with the codes of the requests with this word in their path, once there is one. */
async function codesOf(word: string): Promise<number[]> {
  for (;;) {
    const found = recorded.filter(({ requestURI }) => requestURI.includes(word))
    if (found.length > 0) return found.map(({ responseStatus }) => responseStatus.code)
    await once(onRecord, 'record')
  }
}

/** Says the request back, so that tests see what arrived; after an upgrade it says the bytes back. */
function fakeKubelet(tls: { cert: string; key: string }): Server {
  const made = createServer({ ...tls, requestCert: true, rejectUnauthorized: false, ca: tls.cert }, (request, response) => {
    const peer = (request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } }).getPeerCertificate()
    asked.push({ url: request.url, authorization: request.headers.authorization, client: peer.subject?.CN ?? '' })
    if (request.url?.includes('/waiting')) {
      response.writeHead(400).end('container "waiting" in pod "p" is waiting to start: ContainerCreating')
    } else response.end('line 1\nline 2\n')
  })
  made.on('upgrade', (request, socket, head: Buffer) => {
    const refusal = /command=(\d+)/.exec(request.url ?? '')?.[1]
    if (refusal !== undefined) {
      // And goes on to listen, as many servers do.
      socket.on('data', (bytes) => asked.push({ url: String(bytes), authorization: undefined, client: 'smuggled' }))
      return void socket.write(`HTTP/1.1 ${refusal} No\r\nLocation: https://elsewhere/\r\nContent-Length: 2\r\n\r\nno`)
    }
    asked.push({ url: request.url, authorization: request.headers.authorization, client: '' })
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\n\r\n`)
    if (head.length > 0) socket.write(head)
    socket.pipe(socket)
  })
  return made
}

beforeAll(async () => {
  const tls = await createSelfSigned('kube-apiserver-kubelet-client', ['localhost'], ['127.0.0.1'])
  kubelet = fakeKubelet(tls)
  web = createHttpServer((request, response) => {
    if (request.url === '/page') {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.setHeader('content-encoding', 'gzip')
      return void response.end(gzipSync('<a href="/other">x</a>'))
    }
    if (request.url === '/moved') return void response.writeHead(302, { location: '/other' }).end()
    response.end(`web got ${request.method} ${request.url}`)
  })
  await Promise.all([listen(kubelet), listen(web)])
  // The pods and the kubelet of this test are on loopback.
  server = await startTestServer({ store, kubelets: { tls: { ...tls, ca: tls.cert } }, proxiesTo: () => true, audit })
  call = createHttpClient(server)
  await call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n1' } } })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: portOf(kubelet) } },
  }
  const merge = { 'content-type': 'application/merge-patch+json' }
  await call('PATCH', '/api/v1/nodes/n1/status', { body: { status }, headers: merge })
  const containers = [
    { name: 'main', image: 'i', ports: [{ containerPort: portOf(web) }] },
    { name: 'waiting', image: 'i' },
  ]
  await call('POST', PODS, { body: { metadata: { name: 'p' }, spec: { containers, nodeName: 'n1' } } })
  await call('PATCH', `${PODS}/p/status`, { body: { status: { podIP: '127.0.0.1' } }, headers: merge })
})
afterAll(async () => {
  await server.stop()
  kubelet.closeAllConnections()
  kubelet.close()
  web.close()
})

describe('logs', () => {
  test('come from the kubelet, with the options and without the credentials of the client', async () => {
    const answer = await call('GET', `${PODS}/p/log?container=main&tailLines=2&timestamps=true`)
    expect(answer.text).toBe('line 1\nline 2\n')
    expect(asked.at(-1)).toEqual({
      url: '/containerLogs/default/p/main?tailLines=2&timestamps=true',
      authorization: undefined,
      client: 'kube-apiserver-kubelet-client',
    })
  })
  test('that the kubelet refuses are refused with a Status', async () => {
    const { json } = await call('GET', `${PODS}/p/log?container=waiting`)
    expect(json).toMatchObject({
      kind: 'Status',
      code: 400,
      reason: 'BadRequest',
      message: expect.stringContaining('waiting to start') as unknown,
    })
  })
  test.each([
    ['', 'a container name must be specified for pod p, choose one of: [main waiting]'],
    ['?container=none', 'container none is not valid for pod p'],
  ])('%s of no container say so', async (query, message) => {
    expect((await call('GET', `${PODS}/p/log${query}`)).json.message).toBe(message)
  })
})

/** Sends an upgrade and then a few bytes; answers the head of the answer and what came back. */
function upgrade(path: string, protocol: string): Promise<{ head: string; echoed: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca }, () => {
      const lines = [
        `POST ${path} HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${ADMIN_TOKEN}`,
        'Connection: Upgrade',
        `Upgrade: ${protocol}`,
      ]
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    })
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      const before = text
      text += chunk
      const end = text.indexOf('\r\n\r\n')
      if (end >= 0 && before.indexOf('\r\n\r\n') < 0) socket.write('ping')
      if (end >= 0 && (text.endsWith('ping') || !text.startsWith('HTTP/1.1 101'))) {
        resolve({ head: text.slice(0, end), echoed: text.slice(end + 4) })
        socket.destroy()
      }
    })
    socket.on('error', reject)
  })
}

/** Sends an upgrade, and another request with what comes back; answers all that came when the connection has ended. */
function upgradeRefused(path: string): Promise<{ head: string; body: string }> {
  return new Promise((resolve, reject) => {
    const head = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca }, () => socket.write(head))
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      if (text === '') socket.write('GET /pods HTTP/1.1\r\nHost: x\r\n\r\n')
      text += String(chunk)
    })
    socket.on('error', reject)
    socket.on('end', () => {
      const end = text.indexOf('\r\n\r\n')
      resolve({ head: text.slice(0, end), body: text.slice(end + 4) })
    })
  })
}

describe('an upgrade', () => {
  test.each(['SPDY/3.1', 'websocket'])('to %s is passed on with every byte after it', async (protocol) => {
    const { head, echoed } = await upgrade(
      `${PODS}/p/exec?container=main&command=ls&command=-l&stdin=true&stdout=true&tty=false`,
      protocol,
    )
    expect(head).toMatch(/^HTTP\/1.1 101/)
    expect(echoed).toBe('ping')
    expect(asked.at(-1)).toMatchObject({
      url: '/exec/default/p/main?input=1&output=1&command=ls&command=-l',
      authorization: undefined,
    })
  })
  test.each([
    [`${PODS}/p/exec?container=main&command=recorded-exec&stdout=true`, 'SPDY/3.1', 'recorded-exec'],
    [`${PODS}/p/portforward?ports=80&x=recorded-forward`, 'websocket', 'recorded-forward'],
  ])('is recorded and counted when its connection ends: %s', async (path, protocol, word) => {
    await upgrade(path, protocol)
    expect(await codesOf(word)).toEqual([101])
    const { text } = await call('GET', '/metrics')
    expect(text).toMatch(/apiserver_request_total\{.*subresource="(exec|portforward)".*code="101"\}/)
  })
  // CVE-2018-1002105: the connection behind is the API server's own, and answers whatever comes over it.
  test.each([
    ['400', /^HTTP\/1.1 400 /, /^no$/],
    ['200', /^HTTP\/1.1 500 /, /invalid upgrade response: status code 200/],
    ['302', /^HTTP\/1.1 500 /, /invalid upgrade response: status code 302/],
  ])('that is answered by %s ends there, and a second request on it leads nowhere', async (code, head, body) => {
    const answered = await upgradeRefused(`${PODS}/p/exec?container=main&command=${code}&stdout=true`)
    expect(answered.head).toMatch(head)
    expect(answered.body).toMatch(body)
    expect(asked.filter(({ client, url }) => client === 'smuggled' || url === '/pods')).toEqual([])
  })
  test('that may not be is refused with a Status', async () => {
    const { head, echoed } = await upgrade(`${PODS}/none/exec?command=ls`, 'SPDY/3.1')
    expect(head).toMatch(/^HTTP\/1.1 404/)
    expect(JSON.parse(echoed)).toMatchObject({ kind: 'Status', reason: 'NotFound' })
  })
})

describe('a node that does not answer', () => {
  const refused = 'dial tcp 127.0.0.1:1: connect: connection refused'
  beforeAll(async () => {
    const merge = { 'content-type': 'application/merge-patch+json' }
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
    }
    await call('POST', '/api/v1/nodes', { body: { metadata: { name: 'off' } } })
    await call('PATCH', '/api/v1/nodes/off/status', { body: { status }, headers: merge })
    const spec = { containers: [{ name: 'main', image: 'i' }], nodeName: 'off' }
    await call('POST', PODS, { body: { metadata: { name: 'away' }, spec } })
  })
  test('is told of in the words of upstream: logs', async () => {
    const { code, json } = await call('GET', `${PODS}/away/log`)
    expect([code, json.message]).toEqual([500, `Get "https://127.0.0.1:1/containerLogs/default/away/main": ${refused}`])
  })
  test('is told of in the words of upstream: exec', async () => {
    const { head, echoed } = await upgrade(`${PODS}/away/exec?command=ls`, 'SPDY/3.1')
    expect(head).toMatch(/^HTTP\/1.1 500/)
    expect(JSON.parse(echoed)).toMatchObject({ kind: 'Status', message: `error dialing backend: ${refused}` })
  })
  test('is told of in the words of upstream: proxy', async () => {
    const { code, json } = await call('GET', '/api/v1/nodes/off/proxy/pods')
    expect([code, json.message]).toEqual([503, `error trying to reach service: ${refused}`])
  })
})

describe('a proxy', () => {
  test('reaches a pod by its port', async () => {
    const { text } = await call('GET', `${PODS}/p:${portOf(web)}/proxy/some/path?q=1`)
    expect(text).toBe('web got GET /some/path?q=1')
  })
  test('makes links and redirects of pages lead through it', async () => {
    const at = `${PODS}/p:${portOf(web)}/proxy`
    expect((await call('GET', `${at}/page`)).text).toBe(`<a href="${at}/other">x</a>`)
    expect((await call('GET', `${at}/moved`)).headers.location).toBe(`${at}/other`)
  })
  test('sends who asks for no path to the root of it', async () => {
    const at = `${PODS}/p:${portOf(web)}/proxy`
    expect(await call('GET', `${at}?q=1`)).toMatchObject({ code: 301, headers: { location: `${at}/?q=1` } })
    expect((await call('GET', `${at}/?q=1`)).text).toBe('web got GET /?q=1')
    expect((await call('POST', at, { body: '{}' })).text).toBe('web got POST /')
  })
  test('reaches a service by an endpoint that is ready', async () => {
    await call('POST', '/api/v1/namespaces/default/services', {
      body: { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } },
    })
    // Straight into the store: validation lets nobody point a service at loopback, where the server of this test is.
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'web-1', namespace: 'default', uid: 'u', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['127.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', namespace: 'default', name: 'p' } },
        // Of what is no pod of this namespace, or another's address, none is ever chosen.
        { addresses: ['127.0.0.2'], conditions: { ready: true } },
        { addresses: ['127.0.0.3'], targetRef: { kind: 'Pod', namespace: 'default', name: 'p' } },
        { addresses: ['127.0.0.1'], targetRef: { kind: 'Pod', namespace: 'kube-system', name: 'p' } },
      ].toReversed(),
      ports: [{ port: portOf(web) }],
    }
    await store.create('/registry/discovery.k8s.io/endpointslices/default/web-1', slice)
    for (let attempt = 0; attempt < 20; attempt++) {
      const { text } = await call('POST', '/api/v1/namespaces/default/services/web:80/proxy/x', { body: '{}' })
      expect(text).toBe('web got POST /x')
    }
  })
  test('reaches the kubelet of a node', async () => {
    await call('GET', '/api/v1/nodes/n1/proxy/stats/summary')
    expect(asked.at(-1)).toMatchObject({ url: '/stats/summary', client: 'kube-apiserver-kubelet-client' })
  })
})

describe('a proxy leads to nothing that only this server could reach', () => {
  let strict: TestServer
  let ask: Client
  beforeAll(async () => {
    const tls = await createSelfSigned('kube-apiserver-kubelet-client', ['localhost'], ['127.0.0.1'])
    strict = await startTestServer({ kubelets: { tls: { ...tls, ca: tls.cert } } })
    ask = createHttpClient(strict)
  })
  afterAll(() => strict.stop())
  const merge = { 'content-type': 'application/merge-patch+json' }

  test.each(['127.0.0.1', '127.9.9.9', '::1', '169.254.169.254', 'fe80::1', '::ffff:127.0.0.1', '0.0.0.0'])(
    'when the status of a pod or a node says %s',
    async (address) => {
      const name = `at-${address.replaceAll(/[^0-9a-z]/g, '-')}z`
      // Straight into the status, as a kubelet that was taken over writes it.
      await ask('POST', PODS, { body: { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } } })
      await ask('PATCH', `${PODS}/${name}/status`, {
        body: { status: { podIP: address, podIPs: [{ ip: address }] } },
        headers: merge,
      })
      const addresses = [{ type: 'InternalIP', address }]
      await ask('POST', '/api/v1/nodes', { body: { metadata: { name }, status: { addresses } } })
      for (const path of [
        `${PODS}/${name}:80`,
        `${PODS}/https:${name}:443`,
        `/api/v1/nodes/${name}`,
        `/api/v1/nodes/${name}:2379`,
      ]) {
        const { json } = await ask('GET', `${path}/proxy/`)
        expect(json, path).toMatchObject({ code: 400, reason: 'BadRequest', message: 'address not allowed' })
      }
    },
  )
  test('when the node has told a name of this machine', async () => {
    const status = { addresses: [{ type: 'Hostname', address: 'localhost' }] }
    await ask('POST', '/api/v1/nodes', { body: { metadata: { name: 'named' }, status } })
    expect((await ask('GET', '/api/v1/nodes/named/proxy/')).json).toMatchObject({ code: 400, message: 'address not allowed' })
  })
  test.each(['0', '70000', 'x', '-1', '80a'])('nor to the port %s', async (port) => {
    await ask('POST', '/api/v1/nodes', {
      body: { metadata: { name: 'far' }, status: { addresses: [{ type: 'InternalIP', address: '10.9.9.9' }] } },
    })
    expect((await ask('GET', `/api/v1/nodes/far:${port}/proxy/`)).json).toMatchObject({ code: 400, reason: 'BadRequest' })
  })
})

describe('a body without a length', () => {
  // Written as it is behind a head that announces none, it would be a second request in this server's name.
  test.each(['GET', 'DELETE', 'POST', 'PATCH'])('stays the body of a %s', async (method) => {
    const seen: string[] = []
    const pod = createHttpServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      let body = ''
      request.on('data', (chunk: Buffer) => (body += String(chunk))).on('end', () => response.end(body))
    })
    await listen(pod)
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: x\r\nX-Remote-User: root\r\n\r\n'
    const { text } = await call(method, `${PODS}/p:${portOf(pod)}/proxy/x`, {
      body: hidden,
      headers: { 'transfer-encoding': 'chunked' },
    })
    expect({ text, seen }).toEqual({ text: hidden, seen: [`${method} /x`] })
    pod.closeAllConnections()
    pod.close()
  })
})

test('an upgrade of what does not run long takes a place like any other request', async () => {
  const full = await startTestServer({ maxMutatingRequestsInFlight: 1, priorityAndFairness: false })
  const head = (more: string) =>
    `POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n${more}\r\n\r\n`
  const send = async (text: string) => {
    const socket = connect({ host: '127.0.0.1', port: full.port, ca: full.ca })
    socket.write(text)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return { socket, answer: String(answer) }
  }
  const holder = await send(head('Content-Type: application/json\r\nContent-Length: 1000\r\nExpect: 100-continue'))
  expect(holder.answer).toMatch(/^HTTP\/1.1 100/)
  const second = await send(head('Connection: Upgrade\r\nUpgrade: x'))
  expect(second.answer).toMatch(/^HTTP\/1.1 429/)
  for (const { socket } of [holder, second]) socket.destroy()
  await full.stop()
})
