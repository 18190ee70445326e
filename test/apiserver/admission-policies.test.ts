/** ValidatingAdmissionPolicy and MutatingAdmissionPolicy: what clients see of rules written in CEL. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createHttpClient, openWatch, type Client, type Json } from './http-client.ts'
import { NOBODY_TOKEN, startTestServer, type TestServer } from './start-server.ts'

const GROUP = '/apis/admissionregistration.k8s.io/v1'
const MAPS = '/api/v1/namespaces/default/configmaps'

let server: TestServer
let call: Client
let names = 0

beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
})
afterAll(() => server.stop())
afterEach(async () => {
  for (const sort of ['validating', 'mutating'])
    for (const kind of ['admissionpolicies', 'admissionpolicybindings']) await call('DELETE', `${GROUP}/${sort}${kind}`)
})

const onConfigMaps = {
  resourceRules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } },
}
const post = async (path: string, body: object) => {
  const answer = await call('POST', path, { body })
  expect(answer.code, answer.text).toBe(201)
  return answer.json
}
const install = async (sort: 'validating' | 'mutating', spec: object, binding: object = {}) => {
  const matchConstraints = onConfigMaps
  await post(`${GROUP}/${sort}admissionpolicies`, { metadata: { name: 'p' }, spec: { matchConstraints, ...spec } })
  const actions = sort === 'validating' && { validationActions: ['Deny'] }
  const body = { metadata: { name: 'b' }, spec: { policyName: 'p', ...actions, ...binding } }
  await post(`${GROUP}/${sort}admissionpolicybindings`, body)
}
const create = (data: object, more: object = {}) =>
  call('POST', MAPS, { body: { metadata: { name: `cm-${names++}`, ...more }, data } })

describe('a validating policy', () => {
  test('refuses in upstream’s words, and lets pass what is in order', async () => {
    await install('validating', {
      variables: [{ name: 'size', expression: 'size(object.data)' }],
      validations: [{ expression: 'variables.size <= 1', messageExpression: '"too many: " + string(variables.size)' }],
    })
    expect((await create({ a: '1' })).code).toBe(201)
    const { code, json } = await create({ a: '1', b: '2' }, { name: 'big' })
    const message = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: too many: 2"
    expect(code).toBe(422)
    expect(json).toMatchObject({
      reason: 'Invalid',
      message: `configmaps "big" is forbidden: ${message}`,
      details: { name: 'big', kind: 'configmaps', causes: [{ message }] },
    })
  })

  test.each<[string, object, number, string]>([
    [
      'its expression where there is no message',
      { expression: " object.data.a == '2' " },
      422,
      "failed expression: object.data.a == '2'",
    ],
    ['its message', { expression: 'false', message: 'no' }, 422, 'no'],
    [
      'its message, where the expression of one fails',
      { expression: 'false', message: 'no', messageExpression: 'object.x.y' },
      422,
      'no',
    ],
    ['with the code of its reason', { expression: 'false', message: 'no', reason: 'Forbidden' }, 403, 'no'],
    [
      'what went wrong',
      { expression: 'object.data.missing == "a"' },
      422,
      `expression 'object.data.missing == "a"' resulted in error: no such key: missing`,
    ],
    [
      'that it costs too much',
      { expression: '[1,2,3,4,5,6,7,8,9].all(a, lists.range(9000).all(b, lists.range(9000).all(c, c >= 0)))' },
      422,
      'actual cost limit exceeded',
    ],
  ])('says %s', async (_what, validation, code, message) => {
    await install('validating', { validations: [validation] })
    const answer = await create({ a: '1' })
    expect(answer.code).toBe(code)
    expect(answer.json.message).toContain(message)
  })

  test('that may fail lets pass what it cannot judge', async () => {
    await install('validating', { failurePolicy: 'Ignore', validations: [{ expression: 'object.data.missing == "a"' }] })
    expect((await create({ a: '1' })).code).toBe(201)
  })

  test('warns where its binding says so', async () => {
    await install(
      'validating',
      { validations: [{ expression: 'false', message: 'careful' }] },
      { validationActions: ['Warn', 'Audit'] },
    )
    const { code, headers } = await create({ a: '1' })
    expect(code).toBe(201)
    expect(headers['warning']).toBe(`299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': careful"`)
  })

  test('is only about what its conditions, its rules and its binding say', async () => {
    await install(
      'validating',
      {
        matchConditions: [{ name: 'not-free', expression: "!('free' in object.metadata.?labels.orValue({}))" }],
        matchConstraints: {
          ...onConfigMaps,
          excludeResourceRules: [{ ...onConfigMaps.resourceRules[0], resourceNames: ['excluded'] }],
        },
        validations: [{ expression: 'false', message: 'no' }],
      },
      { matchResources: { objectSelector: { matchExpressions: [{ key: 'exempt', operator: 'DoesNotExist' }] } } },
    )
    expect((await create({})).code).toBe(422)
    expect((await create({}, { labels: { free: 'yes' } })).code).toBe(201)
    expect((await create({}, { labels: { exempt: 'yes' } })).code).toBe(201)
    expect((await create({}, { name: 'excluded' })).code).toBe(201)
  })

  test('takes its parameters from the object that the binding names', async () => {
    await post(MAPS, { metadata: { name: 'limits' }, data: { most: '2' } })
    await install(
      'validating',
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        validations: [{ expression: 'size(object.data) <= int(params.data.most)', message: 'over the limit' }],
      },
      { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    )
    expect((await create({ a: '1', b: '2' })).code).toBe(201)
    expect((await create({ a: '1', b: '2', c: '3' })).json.message).toContain('over the limit')
    await call('DELETE', `${MAPS}/limits`)
    expect((await create({})).json.message).toContain(
      'denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    )
  })

  test('knows the request, the namespace, the old object and what else the user may do', async () => {
    await install('validating', {
      validations: [
        { expression: 'request.userInfo.username == "admin" && request.operation == "CREATE" || oldObject != null' },
        { expression: 'namespaceObject.metadata.name == "default"' },
        { expression: "authorizer.group('').resource('pods').namespace('default').check('delete').allowed()" },
        { expression: "!authorizer.serviceAccount('default', 'default').path('/logs').check('get').allowed()" },
        { expression: "authorizer.requestResource.check('update').allowed()" },
      ],
    })
    const made = await create({ a: '1' })
    expect(made.code, made.text).toBe(201)
    const { metadata } = made.json
    const changed = await call('PUT', `${MAPS}/${String(metadata['name'])}`, {
      body: { metadata: { name: metadata['name'] }, data: {} },
    })
    expect(changed.code, changed.text).toBe(200)
    expect((await call('POST', MAPS, { token: NOBODY_TOKEN, body: {} })).code).toBe(403)
  })

  test('sees a resource in the version that its rules name, and deletions by the old object', async () => {
    await install('validating', {
      matchConstraints: {
        resourceRules: [
          { operations: ['DELETE'], apiGroups: ['autoscaling'], apiVersions: ['v2'], resources: ['horizontalpodautoscalers'] },
        ],
      },
      validations: [{ expression: 'object == null && has(oldObject.spec.metrics)', message: 'no metrics' }],
    })
    const path = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers'
    const scaleTargetRef = { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' }
    await post(path, { metadata: { name: 'a' }, spec: { maxReplicas: 2, scaleTargetRef, targetCPUUtilizationPercentage: 5 } })
    const { code, text } = await call('DELETE', `${path}/a`)
    expect(code, text).toBe(200)
  })

  test('has no say about policies', async () => {
    const everything = { resourceRules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }] }
    await install('validating', { matchConstraints: everything, validations: [{ expression: 'false' }] })
    expect((await create({})).code).toBe(422)
    expect((await call('DELETE', `${GROUP}/validatingadmissionpolicies/p`)).code).toBe(200)
    expect((await create({})).code).toBe(201)
  })

  test('has its expressions checked against the kinds that it is about, and is told so', async () => {
    const matchConstraints = {
      resourceRules: [{ operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }],
    }
    const path = `${GROUP}/validatingadmissionpolicies`
    const watch = await openWatch(server, `${path}?watch=1&fieldSelector=metadata.name%3Dchecked`)
    const validations = [
      "object.spec.replicas > '1'",
      'object.spec.maxRetries < 10',
      'object.spec.template.spec.containers.all(c, c.image.startsWith("a") && c.ports.exists(p, p.containerPort > 80))',
    ].map((expression) => ({ expression }))
    await post(path, { metadata: { name: 'checked' }, spec: { matchConstraints, validations } })
    const statuses: Json[] = []
    while (!statuses.at(-1)?.['typeChecking']) statuses.push((await watch.next()).object.status)
    watch.close()
    expect(statuses.at(-1)).toEqual({
      observedGeneration: 1,
      typeChecking: {
        expressionWarnings: [
          {
            fieldRef: 'spec.validations[0].expression',
            warning:
              "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n" +
              " | object.spec.replicas > '1'\n | .....................^\n",
          },
          {
            fieldRef: 'spec.validations[1].expression',
            warning:
              "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'maxRetries'\n" +
              ' | object.spec.maxRetries < 10\n | ...........^\n',
          },
        ],
      },
    })
  })

  test.each<[object, string, string]>([
    [
      { validations: [{ expression: 'object.x ==' }] },
      'spec.validations[0].expression',
      "compilation failed: ERROR: <input>:1:12: Syntax error: mismatched input '<EOF>'",
    ],
    [
      { validations: [{ expression: 'params.x' }] },
      'spec.validations[0].expression',
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.x\n | ^",
    ],
    [{ validations: [{ expression: '"a" + "b"' }] }, 'spec.validations[0].expression', 'must evaluate to bool'],
    [{ validations: [{ expression: 'variables.late' }] }, 'spec.validations[0].expression', "undefined field 'late'"],
    [
      { validations: [{ expression: 'true', messageExpression: '1' }] },
      'spec.validations[0].messageExpression',
      'must evaluate to string',
    ],
  ])('that is no CEL is refused: %j', async (spec, field, message) => {
    const body = { metadata: { name: 'bad' }, spec: { matchConstraints: onConfigMaps, ...spec } }
    const { code, json } = await call('POST', `${GROUP}/validatingadmissionpolicies`, { body })
    expect(code).toBe(422)
    const causes = json['details']!['causes'] as unknown as Json[]
    expect(causes[0]).toMatchObject({ field })
    expect(causes[0]!['message']).toContain(message)
  })
})

describe('a mutating policy', () => {
  test('applies a configuration, and keeps what is there', async () => {
    await install('mutating', {
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: {
            expression:
              'Object{metadata: Object.metadata{labels: Object.metadata.labels{by: "policy"}}, data: {"b": object.data.a}}',
          },
        },
      ],
    })
    const { json } = await create({ a: '1' }, { labels: { mine: 'yes' } })
    expect(json).toMatchObject({ metadata: { labels: { mine: 'yes', by: 'policy' } }, data: { a: '1', b: '1' } })
    expect(JSON.stringify(json.metadata['managedFields'])).not.toContain('"policy"')
  })

  test('patches, one mutation after the other, with variables that see what has changed', async () => {
    const jsonPatch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })
    await install('mutating', {
      reinvocationPolicy: 'IfNeeded',
      variables: [{ name: 'count', expression: 'string(size(object.data))' }],
      mutations: [
        jsonPatch('[JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("x.y"), value: variables.count}]'),
        jsonPatch(
          '[JSONPatch{op: "test", path: "/data/x.y", value: "1"}, JSONPatch{op: "replace", path: "/data/a", value: variables.count}]',
        ),
      ],
      matchConditions: [{ name: 'once', expression: '!("x.y" in object.data)' }],
    })
    expect((await create({ a: 'old' })).json['data']).toEqual({ a: '2', 'x.y': '1' })
  })

  test('is judged by a validating policy after it', async () => {
    const expression = '[JSONPatch{op: "add", path: "/data/forbidden", value: "yes"}]'
    await install('mutating', { reinvocationPolicy: 'Never', mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }] })
    await install('validating', { validations: [{ expression: '!("forbidden" in object.data)', message: 'what is this' }] })
    expect((await create({ a: '1' })).json.message).toContain('what is this')
  })

  test.each([
    ['Fail', 422],
    ['Ignore', 201],
  ])('that fails with failurePolicy %s ends in %i, and changes nothing', async (failurePolicy, expected) => {
    const mutations = [
      '[JSONPatch{op: "add", path: "/data/half", value: "yes"}]',
      '[JSONPatch{op: "remove", path: "/data/missing"}]',
    ]
    await install('mutating', {
      failurePolicy,
      reinvocationPolicy: 'Never',
      mutations: mutations.map((expression) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })),
    })
    const { code, json } = await create({ a: '1' })
    expect(code).toBe(expected)
    if (expected === 201) expect(json['data']).toEqual({ a: '1' })
    else expect(json.message).toContain("policy 'p' with binding 'b' denied request: ")
  })
})
