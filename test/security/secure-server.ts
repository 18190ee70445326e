/** An API server in this process with a whole lab's certificates and an audit log that tests can read: what attacks are tried on. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseAuditPolicy } from '../../apiserver/audit/audit-policy.ts'
import { createAuditRecorder } from '../../apiserver/audit/audit-recorder.ts'
import type { AuditLog } from '../../apiserver/audit/audit-log.ts'
import type { ApiServerOptions } from '../../apiserver/api-server.ts'
import { ensurePki, type CertificateFiles, type Pki } from '../../lab/certificates.ts'
import type { Answer, Json } from '../apiserver/http-client.ts'
import { startTestServer, type TestServer } from '../apiserver/start-server.ts'

export interface AuditEvent {
  auditID: string
  level: string
  verb: string
  requestURI: string
  user: { username: string; groups: string[] }
  impersonatedUser?: { username: string }
  objectRef?: { resource?: string; namespace?: string; name?: string }
  responseStatus: { code: number; message?: string; reason?: string }
  annotations?: Record<string, string>
}

export interface KeyPair {
  cert: string
  key: string
}

export interface Attempt {
  method?: string
  path: string
  body?: unknown
  token?: string
  certificate?: KeyPair
  headers?: Record<string, string | string[]>
}

export interface SecureServer extends TestServer {
  pki: Pki
  /** PEMs of what `Pki` names by paths. */
  read(files: CertificateFiles): Promise<KeyPair>
  /** On a connection of its own. */
  call(attempt: Attempt): Promise<Answer>
  /** By the administrator; rejects when the server refuses, so that a test does not go on from nothing. */
  admin(method: string, path: string, body?: unknown): Promise<Json>
  /** What was recorded of this answer, once its connection has closed. */
  recorded(answer: Answer): Promise<AuditEvent>
}

const POLICY = '{apiVersion: audit.k8s.io/v1, kind: Policy, omitStages: [RequestReceived], rules: [{level: RequestResponse}]}'

export async function startSecureServer(more: Partial<ApiServerOptions> = {}): Promise<SecureServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-security-'))
  const nodes = ['node-1', 'node-2'].map((name, index) => ({ name, addresses: [`127.0.1.${index + 1}`] }))
  const pki = await ensurePki(folder, { nodes, apiServerAddresses: ['127.0.0.1'] })
  const text = (file: string) => readFile(file, 'utf8')
  const read = async (files: CertificateFiles) => ({ cert: await text(files.certificate), key: await text(files.key) })
  const clientCa = await text(pki.ca.certificate)
  const audit = createMemoryAuditLog()
  const server = await startTestServer({
    tls: await read(pki.apiServer),
    clientCa,
    requestHeader: {
      ca: await text(pki.frontProxyCa.certificate),
      allowedNames: ['front-proxy-client'],
      usernameHeaders: ['x-remote-user'],
      uidHeaders: ['x-remote-uid'],
      groupHeaders: ['x-remote-group'],
      extraHeadersPrefix: ['x-remote-extra-'],
    },
    serviceAccounts: {
      issuers: ['https://kubernetes.default.svc'],
      signingKey: await text(pki.serviceAccountKey),
      verifyingKeys: [],
    },
    audit: { log: audit.log, recorder: createAuditRecorder(parseAuditPolicy(POLICY), audit.log) },
    ...more,
  })
  const administrator = await read(pki.admin)
  const call = (attempt: Attempt) => send(server.port, clientCa, attempt)
  return {
    ...server,
    ca: clientCa,
    pki,
    read,
    call,
    async admin(method, where, body) {
      const answer = await call({ method, path: where, body, certificate: administrator })
      if (answer.code >= 400) throw new Error(`Cannot prepare the test: ${method} ${where}: ${answer.text}`)
      return answer.json
    },
    recorded: (answer) => audit.find(String(answer.headers['audit-id'])),
    async stop() {
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** Hands an event over as soon as it is written, or later to who asks later. */
function createMemoryAuditLog() {
  const events = new Map<string, AuditEvent>()
  const waiting = new Map<string, (event: AuditEvent) => void>()
  const log: AuditLog = {
    write(event) {
      const one = event as AuditEvent
      events.set(one.auditID, one)
      waiting.get(one.auditID)?.(one)
    },
    taken: () => events.size,
    dropped: () => 0,
    flush: async () => {},
    close: async () => {},
  }
  const find = async (id: string) => events.get(id) ?? (await new Promise<AuditEvent>((resolve) => void waiting.set(id, resolve)))
  return { log, find }
}

function send(port: number, ca: string, { method = 'GET', path, body, token, certificate, headers = {} }: Attempt) {
  return new Promise<Answer>((resolve, reject) => {
    const bytes = body === undefined ? undefined : JSON.stringify(body)
    const patch = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const outgoing = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        ca,
        method,
        path,
        agent: false,
        ...certificate,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(bytes !== undefined && { 'content-type': patch, 'content-length': Buffer.byteLength(bytes) }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const text = bytes.toString()
          const json = incoming.headers['content-type']?.includes('json') ? (JSON.parse(text) as Json) : undefined
          resolve({ code: incoming.statusCode ?? 0, headers: incoming.headers, bytes, text, json: json as Json })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(bytes)
  })
}
