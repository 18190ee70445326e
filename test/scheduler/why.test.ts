/** `kubelab why` as a user calls it: it finds the leading scheduler by its lease, and is refused when the user may not ask. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { createApiClient, type RestClient } from '../../client/rest-client.ts'
import { waitFor } from '../../client/wait-for.ts'
import { makeNode, makePod } from '../../scheduler/testing.ts'
import { ADMIN_TOKEN, NOBODY_TOKEN, startTestServer, type TestServer } from '../apiserver/start-server.ts'
import { startScheduler, type SchedulerProcess } from './scheduler-process.ts'

const timeoutMs = 60_000
const program = path.resolve(import.meta.dirname, '../../cli/main.ts')

let server: TestServer
let client: RestClient
let scheduler: SchedulerProcess

beforeAll(async () => {
  server = await startTestServer()
  client = createApiClient(await loadClientConfig({ path: server.kubeconfig }))
  const { metadata, spec, status } = makeNode('node-1', { cpu: '2' })
  await client.create('Node', { metadata: { name: metadata.name }, spec })
  const merge = { type: 'application/merge-patch+json' as const }
  await client.patch('Node', { name: 'node-1' }, { status }, { ...merge, subresource: 'status' })
  // As the node lifecycle controller does once the kubelet says that it is ready.
  await client.patch('Node', { name: 'node-1' }, { spec: { taints: null } }, merge)
  scheduler = startScheduler(server.kubeconfig)
})
afterAll(async () => {
  await scheduler.kill()
  await client.close()
  await server.stop()
})

const why = (kubeconfig: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, ['--no-warnings', program, '--kubeconfig', kubeconfig, 'why', ...args])

const create = async (name: string, cpu: string) => {
  const { spec } = makePod(name, { cpu })
  await client.create('Pod', { metadata: { namespace: 'default', name }, spec })
  const judged = { namespace: 'default', name, timeoutMs }
  await waitFor(client, 'Pod', judged, ([pod]) => pod?.status?.conditions?.some(({ type }) => type === 'PodScheduled') ?? false)
}

test('tells what a pod that waits would need, and why one is where it is', { timeout: 2 * timeoutMs }, async () => {
  await create('fits', '500m')
  await create('large', '4')
  const { stdout } = await why(server.kubeconfig, 'fits', 'pod/large')
  expect(stdout).toContain('Pod default/fits went to node-1')
  expect(stdout).toMatch(/node-1 +NodeResourcesFit +Insufficient cpu/)
  expect(stdout).toMatch(/on node-1 +if it requested at most 1500m of cpu \(it asks for 4\)/)
})

test('who may not ask is told so', { timeout: timeoutMs }, async () => {
  const kubeconfig = `${server.kubeconfig}-nobody`
  writeFileSync(kubeconfig, readFileSync(server.kubeconfig, 'utf8').replace(ADMIN_TOKEN, NOBODY_TOKEN))
  // Reading the lease and the pod is not enough: the scheduler judges for itself.
  const readers = { metadata: { name: 'readers' }, rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }] }
  await client.create('ClusterRole', readers)
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'readers' }
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nobody' }]
  await client.create('ClusterRoleBinding', { metadata: { name: 'readers' }, roleRef, subjects })
  await expect(why(kubeconfig, 'large')).rejects.toMatchObject({
    stderr: expect.stringContaining('Cannot ask the scheduler: you may not "get" the path /debug/attempts'),
  })
})
