/** Kinds that are served in more than one version, or under two names: stored once, shown in the words of whoever asks. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpClient, openWatch, type Client } from './http-client.ts'
import { startTestServer, type TestServer } from './start-server.ts'

let server: TestServer
let call: Client
beforeAll(async () => {
  server = await startTestServer()
  call = createHttpClient(server)
})
afterAll(() => server.stop())

const autoscalers = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`
const NEW_EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events'
const CORE_EVENTS = '/api/v1/namespaces/default/events'
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }

test('an autoscaler written in one version is read and patched in the other', async () => {
  const spec = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
    maxReplicas: 3,
    targetCPUUtilizationPercentage: 50,
  }
  const made = await call('POST', autoscalers('v1'), { body: { metadata: { name: 'd' }, spec } })
  expect(made.json).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } })
  const newer = await call('GET', `${autoscalers('v2')}/d`)
  expect(newer.json).toMatchObject({
    apiVersion: 'autoscaling/v2',
    spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] },
  })
  const patched = await call('PATCH', `${autoscalers('v1')}/d`, {
    body: { spec: { targetCPUUtilizationPercentage: 70 } },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  expect(patched.json).toMatchObject({
    apiVersion: 'autoscaling/v1',
    spec: { targetCPUUtilizationPercentage: 70, maxReplicas: 3 },
  })
  expect((await call('GET', autoscalers('v1'))).json).toMatchObject({
    kind: 'HorizontalPodAutoscalerList',
    apiVersion: 'autoscaling/v1',
    items: [{ apiVersion: 'autoscaling/v1' }],
  })
})

test('an event of either API is an event of the other', async () => {
  const watch = await openWatch(server, `${NEW_EVENTS}?watch=1`)
  const event = {
    metadata: { name: 'e1' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    action: 'Act',
    reason: 'Why',
    note: 'hello',
    type: 'Normal',
    reportingController: 'me',
    reportingInstance: 'me-1',
    regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
  }
  const made = await call('POST', NEW_EVENTS, { body: event })
  expect(made.json, made.text).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'hello' })
  expect(await watch.next()).toMatchObject({
    type: 'ADDED',
    object: { apiVersion: 'events.k8s.io/v1', note: 'hello', regarding: { name: 'p' } },
  })
  watch.close()
  expect((await call('GET', `${CORE_EVENTS}/e1`)).json).toMatchObject({
    apiVersion: 'v1',
    message: 'hello',
    involvedObject: { name: 'p' },
  })
  expect((await call('GET', NEW_EVENTS)).json).toMatchObject({ items: [{ apiVersion: 'events.k8s.io/v1', note: 'hello' }] })
})

test.each([NEW_EVENTS, `${NEW_EVENTS}/e1`, autoscalers('v1')])(
  'the table of %s has the cells of the stored form',
  async (path) => {
    const { json, text } = await call('GET', path, { headers: TABLE })
    expect(json, text).toMatchObject({ kind: 'Table', rows: [{ object: { kind: 'PartialObjectMetadata' } }] })
  },
)

describe('versions for clients of earlier releases', () => {
  const GROUPS = [
    ['autoscaling', 'v2', 'v2beta2', 'horizontalpodautoscalers'],
    ['batch', 'v1', 'v1beta1', 'cronjobs'],
    ['discovery.k8s.io', 'v1', 'v1beta1', 'endpointslices'],
    ['policy', 'v1', 'v1beta1', 'poddisruptionbudgets'],
  ] as const

  test.each(GROUPS)(
    '%s: %s is preferred, %s is served, with a warning and not published',
    async (group, today, older, plural) => {
      const { json } = await call('GET', `/apis/${group}`)
      expect(json).toMatchObject({ preferredVersion: { version: today } })
      expect(json).toMatchObject({ versions: expect.arrayContaining([expect.objectContaining({ version: older })]) as unknown })
      expect((await call('GET', `/apis/${group}/${older}`)).json).toMatchObject({
        resources: expect.arrayContaining([expect.objectContaining({ name: plural })]) as unknown,
      })
      const listed = await call('GET', `/apis/${group}/${older}/${plural}`)
      expect(listed.json).toMatchObject({ apiVersion: `${group}/${older}` })
      expect(listed.headers.warning).toContain(`${group}/${older} `)
      expect((await call('GET', '/openapi/v2')).text).not.toContain(`/apis/${group}/${older}/`)
    },
  )

  test('an endpoint slice of v1beta1 is one of v1, with its zone and node as fields', async () => {
    const path = (version: string) => `/apis/discovery.k8s.io/${version}/namespaces/default/endpointslices`
    const topology = { 'kubernetes.io/hostname': 'n', 'topology.kubernetes.io/zone': 'z' }
    const endpoints = [{ addresses: ['10.0.0.1'], nodeName: 'n', topology }]
    const body = { metadata: { name: 's' }, addressType: 'IPv4', endpoints }
    const watch = await openWatch(server, `${path('v1beta1')}?watch=1&fieldSelector=metadata.name%3Ds`)
    const made = await call('POST', path('v1beta1'), { body })
    expect(made.json, made.text).toMatchObject({ apiVersion: 'discovery.k8s.io/v1beta1', endpoints: [{ topology }] })
    expect(await watch.next()).toMatchObject({ object: { apiVersion: 'discovery.k8s.io/v1beta1', endpoints: [{ topology }] } })
    watch.close()
    const { json } = await call('GET', `${path('v1')}/s`)
    expect(json).toMatchObject({ endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'n', zone: 'z' }] })
  })

  test('an eviction of policy/v1beta1 is one', async () => {
    const spec = { containers: [{ name: 'c', image: 'i' }] }
    await call('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p' }, spec } })
    const body = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'p' } }
    const { code, text } = await call('POST', '/api/v1/namespaces/default/pods/p/eviction', { body })
    expect(code, text).toBe(201)
  })
})
