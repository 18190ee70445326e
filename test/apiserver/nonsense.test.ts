/** Every kind of nonsense that clients send: each is answered in words, and the server is as it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpClient, type Client } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

let server: TestServer
let call: Client

beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
})
afterAll(() => server.stop())

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const map = (name: string, more: object = {}) => ({ metadata: { name, ...more }, data: { a: 'b' } })

describe('nonsense', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
  test.each([
    ['broken JSON', 'POST', MAPS, '{"metadata":', {}, 400, 'BadRequest'],
    ['a list for an object', 'POST', MAPS, '[]', {}, 400, 'BadRequest'],
    ['nothing', 'POST', MAPS, '', {}, 400, 'BadRequest'],
    ['deep nesting', 'POST', MAPS, nested(100_000), {}, 400, 'BadRequest'],
    ['nesting of a hundred', 'POST', `${MAPS}?fieldValidation=Strict`, nested(100), {}, 400, 'BadRequest'],
    ['invalid UTF-8', 'POST', MAPS, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 400, 'BadRequest'],
    ['a wrong type', 'POST', MAPS, '{"metadata":{"name":5}}', {}, 400, 'BadRequest'],
    ['a wrong kind', 'POST', MAPS, '{"kind":"Pod","apiVersion":"v1"}', {}, 400, 'BadRequest'],
    ['a wrong version', 'POST', MAPS, '{"kind":"ConfigMap","apiVersion":"v2"}', {}, 400, 'BadRequest'],
    ['no name', 'POST', MAPS, '{}', {}, 422, 'Invalid'],
    ['a bad name', 'POST', MAPS, '{"metadata":{"name":"A B"}}', {}, 422, 'Invalid'],
    ['a bad label', 'POST', MAPS, '{"metadata":{"name":"a","labels":{"a b":"c"}}}', {}, 422, 'Invalid'],
    ['another namespace', 'POST', MAPS, '{"metadata":{"name":"a","namespace":"b"}}', {}, 400, 'BadRequest'],
    ['another name', 'PUT', `${MAPS}/x`, '{"metadata":{"name":"y"}}', {}, 404, 'NotFound'],
    ['too much', 'POST', MAPS, `{"data":{"a":"${'x'.repeat(3 * 1024 * 1024)}"}}`, {}, 413, 'RequestEntityTooLarge'],
    ['a form', 'POST', MAPS, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'UnsupportedMediaType'],
    [
      'broken protobuf',
      'POST',
      MAPS,
      'k8s\0\xff\xff',
      { 'content-type': 'application/vnd.kubernetes.protobuf' },
      400,
      'BadRequest',
    ],
    ['a YAML bomb', 'POST', MAPS, bomb(), { 'content-type': 'application/yaml' }, 400, 'BadRequest'],
    ['a patch of no type', 'PATCH', `${MAPS}/x`, '{}', {}, 415, 'UnsupportedMediaType'],
    ['a climb out', 'GET', '/api/v1/namespaces/..%2f..%2fsecrets/configmaps/x', undefined, {}, 400, 'BadRequest'],
    ['a name that climbs', 'GET', `${MAPS}/..%2F..%2Fsecrets%2Fdefault%2Fx`, undefined, {}, 400, 'BadRequest'],
    ['a broken escape', 'GET', `${MAPS}/%zz`, undefined, {}, 400, 'BadRequest'],
    ['an unknown resource', 'GET', '/api/v1/foos', undefined, {}, 404, 'NotFound'],
    ['an unknown group', 'GET', '/apis/foo.example.com/v1', undefined, {}, 404, 'NotFound'],
    ['an unknown page', 'GET', '/nowhere', undefined, {}, 404, 'NotFound'],
    ['a verb that is not there', 'PUT', MAPS, '{}', {}, 405, 'MethodNotAllowed'],
    ['a form nobody has', 'GET', MAPS, undefined, { accept: 'text/html' }, 406, 'NotAcceptable'],
    ['a broken selector', 'GET', `${MAPS}?labelSelector=a%20in%20(`, undefined, {}, 400, 'BadRequest'],
    ['an unknown field', 'GET', `${MAPS}?fieldSelector=spec.x%3D1`, undefined, {}, 400, 'BadRequest'],
  ])('%s is answered with a Status', async (_what, method, path, body, headers, code, reason) => {
    const answer = await call(method, path, { ...(body !== undefined && { body }), headers: headers as Record<string, string> })
    expect(answer.json, answer.text).toMatchObject({ kind: 'Status', status: 'Failure', code, reason })
  })

  const TYPES = { merge: 'merge-patch', strategic: 'strategic-merge-patch', json: 'json-patch' }
  const invalidPatch = (shown: string, why: string) => ` "" is invalid: patch: Invalid value: ${JSON.stringify(shown)}: ${why}`

  test.each([
    ['merge', '{"data":{"a":1}}', 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
    [
      'json',
      '[{"op":"add","path":"/data","value":"x"}]',
      'json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string',
    ],
    ['merge', '{"spec":1}', 'strict decoding error: unknown field "spec"'],
    ['merge', '{"data":{"a":"1","a":"2"}}', 'strict decoding error: duplicate field "data.a"'],
    [
      'json',
      '[{"op":"add","path":"/spec","value":1,"why":"so"}]',
      'strict decoding error: json patch unknown field "[0].why", unknown field "spec"',
    ],
  ] as const)('in what a %s patch %s makes of the object is shown with the whole of that', async (type, body, why) => {
    const path = `${MAPS}/patched?dryRun=All&fieldValidation=Strict`
    await call('POST', MAPS, { body: map('patched') })
    const answer = await call('PATCH', path, { body, headers: { 'content-type': `application/${TYPES[type]}+json` } })
    expect(answer.json).toMatchObject({ code: 422, reason: 'Invalid', details: { causes: [{ field: 'patch' }] } })
    expect(answer.json.message).toMatch(/^ "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\"/)
    expect(answer.json.message).toContain(`": ${why}`)
  })

  test.each([
    ['{"metadata":{"labels":"x"}}', 'map[metadata:map[labels:x]]', 'cannot restore map from string'],
    ['{"metadata":{"finalizers":{"a":[1]}}}', 'map[metadata:map[finalizers:map[a:[1]]]]', 'cannot restore slice from map'],
    ['{"metadata":7}', 'map[metadata:7]', 'cannot restore struct from: int64'],
    ['{"data":{"b":1.5,"a":null}}', 'map[data:map[a:<nil> b:1.5]]', 'cannot convert float64 to string'],
    ['{"immutable":{}}', 'map[immutable:map[]]', 'cannot convert map[string]interface {} to bool'],
    ['{"spec":{}}', 'map[spec:map[]]', 'strict decoding error: unknown field "spec"'],
    ['{"data":{"a":"1","a":"2"}}', 'map[data:map[a:2]]', 'strict decoding error: duplicate field "data.a"'],
  ])('in what the strategic patch %s makes of the object is shown with the patch', async (body, shown, why) => {
    const path = `${MAPS}/patched?dryRun=All&fieldValidation=Strict`
    await call('POST', MAPS, { body: map('patched') })
    const answer = await call('PATCH', path, { body, headers: { 'content-type': 'application/strategic-merge-patch+json' } })
    expect(answer.json).toMatchObject({ code: 422, reason: 'Invalid', message: invalidPatch(shown, why) })
  })

  test.each([
    ['strategic', '[]', 400, 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['merge', '"x"', 400, 'error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}'],
    ['json', '{}', 400, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    ['json', '[{"op":"jump"}]', 422, 'the server rejected our request due to an error in our request'],
  ] as const)('in the %s patch %s itself is told apart', async (type, body, code, message) => {
    await call('POST', MAPS, { body: map('patched') })
    const headers = { 'content-type': `application/${TYPES[type]}+json` }
    expect((await call('PATCH', `${MAPS}/patched`, { body, headers })).json).toMatchObject({ code, message })
  })

  test('of a kind in a strategic patch goes unnoticed: the path says what is patched', async () => {
    await call('POST', MAPS, { body: map('patched') })
    const body = { apiVersion: 'v2', kind: 'Other', data: { e: 'f' } }
    const answer = await call('PATCH', `${MAPS}/patched?dryRun=All`, {
      body,
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
    })
    expect(answer.json).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { e: 'f' } })
  })

  test.each([
    [MAPS, '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    [PODS, 'field label not supported: spec.x'],
    ['/apis/apps/v1/deployments', '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  ])('in the field selector of %s is told in the words for its kind', async (path, message) => {
    expect((await call('GET', `${path}?fieldSelector=spec.x%3D1`)).json).toMatchObject({ code: 400, message })
  })

  test('in a field is warned of, or refused when the client is strict', async () => {
    const body = { ...map('odd'), spec: { nonsense: true } }
    const warned = await call('POST', `${MAPS}?dryRun=All`, { body })
    expect(warned.code).toBe(201)
    expect(warned.headers['warning']).toContain('299 - "unknown field \\"spec\\""')
    const refused = await call('POST', `${MAPS}?fieldValidation=Strict`, { body })
    expect(refused.json.message).toContain('strict decoding error: unknown field "spec"')
  })

  test('leaves the server as it was', async () => {
    expect((await call('GET', '/readyz')).code).toBe(200)
  })
})

function bomb(): string {
  const levels = Array.from(
    { length: 12 },
    (_, index) => `a${index + 1}: &a${index + 1} [${Array(9).fill(`*a${index}`).join(',')}]`,
  )
  return `a0: &a0 [x]\n${levels.join('\n')}\n`
}
