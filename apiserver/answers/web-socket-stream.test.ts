import { once } from 'node:events'
import { createServer, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { ResourceRequest } from '../api-context.ts'
import { chooseProtocol, sendStream } from './web-socket-stream.ts'

describe('the protocol of a stream over a WebSocket', () => {
  it.each([
    ['no wish', undefined, ''],
    ['plain bytes', 'binary.k8s.io', 'binary.k8s.io'],
    ['text only', 'base64.binary.k8s.io', 'base64.binary.k8s.io'],
    ['the first that we speak', 'channel.k8s.io, base64.binary.k8s.io, binary.k8s.io', 'base64.binary.k8s.io'],
    ['a token and nothing else', 'base64url.bearer.authorization.k8s.io.dG9rZW4', ''],
    ['a token beside it', 'base64url.bearer.authorization.k8s.io.dG9rZW4, binary.k8s.io', 'binary.k8s.io'],
    ['none of ours', 'channel.k8s.io', undefined],
  ])('%s', (_, offered, chosen) => {
    expect(chooseProtocol(offered)).toBe(chosen)
  })
})

describe('a stream over a WebSocket', () => {
  it.each([
    [[], 'log\xff'],
    [['binary.k8s.io'], 'log\xff'],
    [['base64.binary.k8s.io'], Buffer.from('log\xff', 'latin1').toString('base64')],
  ])('arrives whole and ends (%j)', async (protocols, expected) => {
    const server = createServer()
    server.on('upgrade', (raw, socket) => {
      const response = new ServerResponse(raw)
      response.assignSocket(socket as never)
      const request = { raw, response, info: { name: 'web' } } as unknown as ResourceRequest
      sendStream(request, Readable.from([Buffer.from('log\xff', 'latin1')])).catch(() => socket.destroy())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, protocols)
    const messages: Buffer[] = []
    socket.on('message', (bytes: Buffer) => messages.push(bytes))
    const [code] = (await once(socket, 'close')) as [number]
    server.close()
    expect(code).toBe(1000)
    expect(socket.protocol).toBe(protocols[0] ?? '')
    expect(Buffer.concat(messages).toString('latin1')).toBe(expected)
  })
})
