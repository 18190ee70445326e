import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cri } from '../runtime/cri-client.ts'
import { runProbe, type ProbeHandler } from './probe-action.ts'

type Health = 'SERVING' | 'NOT_SERVING' | 'UNKNOWN'
const numbers: Record<Health, number> = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2 }

const nobody: Cri = { call: () => Promise.reject(new Error('no runtime here')), close() {} }
const probe = (handler: ProbeHandler) =>
  runProbe(handler, { container: { name: 'main' }, containerId: 'c', podIp: '127.0.0.1', cri: nobody }, 10_000)

let server: Server
let port: number
/** By service name; others are not known. */
const services = new Map<string, Health>([
  ['', 'SERVING'],
  ['ready', 'SERVING'],
  ['busy', 'NOT_SERVING'],
  ['new', 'UNKNOWN'],
])

beforeAll(async () => {
  server = new Server()
  server.addService(
    {
      Check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    {
      Check: (call: { request: Buffer }, done: (error: object | null, answer?: Buffer) => void) => {
        const health = services.get(call.request.subarray(2).toString())
        if (!health) return done({ code: status.NOT_FOUND, details: 'unknown service' })
        // As protobuf has it, a zero is left out.
        done(null, health === 'UNKNOWN' ? Buffer.alloc(0) : Buffer.from([0x08, numbers[health]]))
      },
    },
  )
  port = await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
})
afterAll(() => server.forceShutdown())

describe('a probe of a gRPC server', () => {
  it.each([
    [undefined, null],
    ['ready', null],
    ['busy', 'service unhealthy (responded with "NOT_SERVING")'],
    ['new', 'service unhealthy (responded with "UNKNOWN")'],
    ['missing', 'error: unknown service'],
  ])('about service %s answers %s', async (service, answer) => {
    expect(await probe({ grpc: { port, ...(service ? { service } : {}) } })).toBe(answer)
  })

  it('fails where nobody serves', async () => {
    expect(await probe({ grpc: { port: 1 } })).toMatch(/^(error|timeout): /)
  })
})

describe('a probe of an HTTP server', () => {
  const answers: Record<string, [code: number, location?: string]> = {
    '/well': [200],
    '/ill': [500],
    '/to-well': [302, '/well'],
    '/to-ill': [302, '/ill'],
    '/away': [301, 'http://elsewhere.invalid/ill'],
    '/round': [307, '/round'],
  }
  let web: http.Server
  let address: number
  beforeAll(async () => {
    web = http.createServer((request, response) => {
      const [code, location] = answers[request.url ?? ''] ?? [404]
      response.writeHead(code, location ? { location } : {}).end()
    })
    await once(web.listen(0, '127.0.0.1'), 'listening')
    address = (web.address() as AddressInfo).port
  })
  afterAll(() => web.close())

  it.each([
    ['/well', null],
    ['ill', 'HTTP probe failed with statuscode: 500'],
    ['/to-well', null],
    ['/to-ill', 'HTTP probe failed with statuscode: 500'],
    ['/away', null],
    ['/round', expect.stringMatching(/stopped after 10 redirects$/)],
  ])('at %s answers %s', async (path, answer) => {
    expect(await probe({ httpGet: { path, port: address } })).toEqual(answer)
  })
})
