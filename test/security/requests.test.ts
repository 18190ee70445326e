import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificate } from './forge.ts'
import { startSecureServer, type KeyPair, type SecureServer } from './secure-server.ts'

const SESSIONS = ['exec', 'attach', 'portforward']

let server: SecureServer
/** Bob may read pods of the namespace `a`, and no more. */
let bob: KeyPair

beforeAll(async () => {
  server = await startSecureServer()
  bob = await makeCertificate({ user: 'bob', signer: await server.read(server.pki.ca) })
  for (const name of ['a', 'b']) {
    await server.admin('POST', '/api/v1/namespaces', { metadata: { name } })
    await server.admin('POST', `/api/v1/namespaces/${name}/secrets`, { metadata: { name: 's' }, stringData: { k: 'TREASURE' } })
  }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pods' }
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/a'
  const rules = [
    { apiGroups: [''], resources: ['pods', 'pods/log', ...SESSIONS.map((one) => `pods/${one}`)], verbs: ['get', 'list'] },
  ]
  await server.admin('POST', `${roles}/roles`, { metadata: { name: 'pods' }, rules })
  const subjects = [{ kind: 'User', name: 'bob', apiGroup: 'rbac.authorization.k8s.io' }]
  await server.admin('POST', `${roles}/rolebindings`, { metadata: { name: 'pods' }, roleRef, subjects })
})
afterAll(() => server.stop())

describe('a path is taken as it is written', () => {
  it.each([
    '/api/v1/namespaces/a/../b/secrets/s',
    '/api/v1/namespaces/a/pods/../secrets/s',
    '/api/v1/namespaces/a/pods/../../b/secrets',
    '/api/v1/namespaces/a/pods/..%2fsecrets%2fs',
    '/api/v1/namespaces/a/pods/%2e%2e/secrets/s',
    '/api/v1/namespaces/a%2f..%2fb/secrets/s',
    '/api/v1/namespaces/a/pods%2f..%2fsecrets/s',
    '/api/v1/namespaces/a/./secrets/s',
    '/api/v1//namespaces/b/secrets/s',
    '//api/v1/namespaces/b/secrets/s',
    '/api//v1/secrets',
    '/API/v1/secrets',
    '/healthz/../api/v1/secrets',
    '/version/../api/v1/secrets',
    '/version/%2e%2e/api/v1/secrets',
    '/api/v1/namespaces/a/pods/x/log/../../../../b/secrets/s',
    '/api/v1/namespaces/a/secrets/s/../../pods',
    '/api/v1/namespaces/a/secrets/s;/pods',
    '/api/v1/namespaces/a/secrets/s%00',
    '/api/v1/namespaces/a/pods\\..\\secrets\\s',
    '/api/v1/watch/namespaces/b/secrets',
    '/api/v1/secrets?namespace=a',
    '/api/v1/namespaces/b/secrets#/namespaces/a/pods',
    'https://127.0.0.1/api/v1/secrets',
  ])('%s', async (path) => {
    const answer = await server.call({ path, certificate: bob })
    expect([400, 403, 404], answer.text).toContain(answer.code)
    expect(answer.text).not.toContain('TREASURE')
    expect(answer.text).not.toContain(Buffer.from('TREASURE').toString('base64'))
    expect((await server.recorded(answer)).responseStatus.code).toBe(answer.code)
  })
})

describe('who may only read opens no session in a container, though a WebSocket begins with a GET', () => {
  it.each(SESSIONS)('%s', async (session) => {
    const answer = await server.call({ path: `/api/v1/namespaces/a/pods/p/${session}?command=sh&stdout=true`, certificate: bob })
    expect([answer.code, answer.json.reason], answer.text).toEqual([403, 'Forbidden'])
    expect(answer.json['message']).toContain(`cannot create resource "pods/${session}"`)
  })
})

it('what is wrong with a secret is told, and recorded, without any of it', async () => {
  const { certificate, key } = server.pki.admin
  const body = {
    metadata: { name: 'x' },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': 'TREASURE{' },
  }
  const answer = await server.call({
    method: 'POST',
    path: '/api/v1/namespaces/a/secrets',
    body,
    certificate: await server.read({ certificate, key }),
  })
  expect([answer.code, answer.json.reason]).toEqual([422, 'Invalid'])
  expect(answer.text).not.toContain('TREASURE')
  expect(JSON.stringify(await server.recorded(answer))).not.toContain('TREASURE')
})

describe('anonymous sees health and version', () => {
  it.each(['/healthz', '/livez', '/readyz', '/version'])('%s', async (path) => {
    expect((await server.call({ path })).code).toBe(200)
  })

  it.each([
    '/',
    '/api',
    '/apis',
    '/api/v1',
    '/api/v1/namespaces',
    '/api/v1/namespaces/kube-public/configmaps/x',
    '/apis/apps/v1/deployments',
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    '/openid/v1/jwks',
    '/.well-known/openid-configuration',
    '/debug/kubelab/writes',
    '/logs/',
  ])('and not %s', async (path) => {
    const answer = await server.call({ path })
    expect([answer.code, answer.json.reason], answer.text).toEqual([403, 'Forbidden'])
    const { user, responseStatus } = await server.recorded(answer)
    expect([user.username, responseStatus.code]).toEqual(['system:anonymous', 403])
  })
})

describe('requests that two readers would read differently are refused before anybody is asked who sends them', () => {
  const hidden = 'GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n'
  const post = (...headers: string[]) => `POST /version HTTP/1.1\r\nHost: x\r\n${headers.join('\r\n')}\r\n\r\n`
  it.each([
    ['two lengths', `${post('Content-Length: 0', `Content-Length: ${hidden.length}`)}${hidden}`],
    ['a length and chunks', `${post('Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`],
    ['chunks that are not the last coding', `${post('Transfer-Encoding: chunked, identity')}0\r\n\r\n${hidden}`],
    ['a space before the colon', `${post('Transfer-Encoding : chunked')}0\r\n\r\n${hidden}`],
    ['a folded header', post('X-A: 1', ' X-Remote-User: admin', 'Content-Length: 0')],
    ['a header with a null byte', post('X-A: 1\0X-Remote-User: admin', 'Content-Length: 0')],
    ['lines that end in a carriage return', `GET /version HTTP/1.1\rHost: x\r\r`],
    ['a chunk with a sign', `${post('Transfer-Encoding: chunked')}-1\r\n\r\n${hidden}`],
  ])('%s', async (_, bytes) => {
    const text = await exchange(bytes)
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    // One answer, and the connection is over: what followed was not read as a request.
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it('and of two credentials the first counts', async () => {
    const text = await exchange(
      'GET /api/v1/secrets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nonsense\r\nAuthorization: Bearer admin-token\r\nConnection: close\r\n\r\n',
    )
    expect(text).toMatch(/^HTTP\/1\.1 401 /)
  })

  /** Everything that comes back until the server closes. */
  function exchange(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = ''
      const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.ca }, () => socket.write(bytes, 'latin1'))
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => (text += chunk))
      socket.on('end', () => resolve(text))
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })
  }
})
