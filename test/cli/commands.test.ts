/** The command line against an API server of its own (memory store, real TLS): what people and scripts read. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../scripts/bundle.ts'
import { startTestServer, type TestServer } from '../apiserver/start-server.ts'

const root = path.resolve(import.meta.dirname, '../..')
let server: TestServer

/** Bundled as it is shipped: started fifty times, it is five times as fast as from its sources. */
let script: string

beforeAll(async () => {
  server = await startTestServer()
  const folder = path.dirname(server.kubeconfig)
  await bundle({ kubelab: 'cli/main.ts' }, folder)
  script = path.join(folder, 'kubelab.js')
})
afterAll(() => server.stop())

interface Result {
  code: number
  out: string
  err: string
}

function kubelab(args: readonly string[], input = ''): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--no-warnings', script, ...args],
      { cwd: root, env: { ...process.env, KUBECONFIG: server.kubeconfig } },
      (error, out, err) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    )
    child.stdin!.end(input)
  })
}

const configMap = (data: Record<string, string>) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'colors' }, data })

describe('apply', () => {
  test('creates, changes, and knows when there is nothing to do', async () => {
    expect((await kubelab(['apply', '-f', '-'], configMap({ a: '1', b: '1' }))).out).toBe('configmap/colors created\n')
    expect((await kubelab(['apply', '-f', '-'], configMap({ a: '1', b: '1' }))).out).toBe('configmap/colors unchanged\n')
    expect((await kubelab(['apply', '-f', '-'], configMap({ a: '2' }))).out).toBe('configmap/colors configured\n')
    expect((await kubelab(['get', 'cm', 'colors', '-o', 'jsonpath={.data}'])).out).toBe('{"a":"2"}')
    expect((await kubelab(['apply', 'view-last-applied', 'cm/colors'])).out).toMatch(/^apiVersion: v1\ndata:\n {2}a: "2"\n/)
  })

  test('by the server, with a conflict that can be forced', async () => {
    const file = path.join(path.dirname(server.kubeconfig), 'deployment.yaml')
    const text = (replicas: number) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: shared}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: shared}}
  template:
    metadata: {labels: {app: shared}}
    spec: {containers: [{name: c, image: busybox}]}
`
    writeFileSync(file, text(1))
    expect((await kubelab(['apply', '--server-side', '-f', file])).out).toBe('deployment.apps/shared serverside-applied\n')
    await kubelab(['scale', 'deploy/shared', '--replicas=3'])
    writeFileSync(file, text(2))
    const refused = await kubelab(['apply', '--server-side', '-f', file])
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(
      /^error: Apply failed with 1 conflict: conflict with "[^"]+"(?: with subresource "scale")? using .*: \.spec\.replicas\n/,
    )
    expect((await kubelab(['apply', '--server-side', '--force-conflicts', '-f', file])).code).toBe(0)
    expect((await kubelab(['get', 'deploy', 'shared', '-o', 'jsonpath={.spec.replicas}'])).out).toBe('2')
  })
})

describe('failures are kubectl’s', () => {
  test.each<[string[], string]>([
    [['get', 'pod', 'x'], 'Error from server (NotFound): pods "x" not found\n'],
    [['get', 'nope'], 'error: the server doesn\'t have a resource type "nope"\n'],
    [['apply', '-f', 'no-such-file.yaml'], 'error: the path "no-such-file.yaml" does not exist\n'],
    [['delete', 'cm', 'x'], 'Error from server (NotFound): configmaps "x" not found\n'],
    [
      ['label', 'ns', 'default', 'kubernetes.io/metadata.name=x'],
      "error: 'kubernetes.io/metadata.name' already has a value (default), and --overwrite is false\n",
    ],
  ])('%j', async (args, err) => {
    expect(await kubelab(args)).toEqual({ code: 1, out: '', err })
  })

  test('an invalid object is told of field by field', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { containers: [{ name: 'A' }] } }
    const { code, err } = await kubelab(['create', '-f', '-'], JSON.stringify(pod))
    expect(code).toBe(1)
    expect(err).toMatch(/^The Pod "x" is invalid: \n\* spec\.containers\[0\]\.name: Invalid value: "A": /)
  })
})

test.each<[string[], Partial<Result>]>([
  [['diff', '-f', 'no-such-file.yaml'], { code: 2, err: 'error: the path "no-such-file.yaml" does not exist\n' }],
  [['get', '--raw', '/livez'], { code: 0, out: 'ok' }],
  [['get', 'ns', 'default', '--subresource=status', '-o', 'name'], { code: 0, out: 'namespace/default\n' }],
  [
    ['get', 'ns', 'kube-public', 'kube-system', 'default', '--sort-by=.metadata.name', '-o', 'name'],
    { code: 0, out: 'namespace/default\nnamespace/kube-public\nnamespace/kube-system\n' },
  ],
  [['wait', 'cm/none', '--for=delete'], { code: 0, out: '' }],
  [
    ['api-resources', '--verbs=create', '--api-group=authentication.k8s.io', '-o', 'name', '--sort-by=kind'],
    { code: 0, err: '' },
  ],
  [['api-resources', '--sort-by=age'], { code: 1, err: 'error: --sort-by accepts only name or kind\n' }],
])('%j answers %j, as kubectl', async (args, expected) => {
  expect(await kubelab(args)).toMatchObject(expected)
})

test('a life: created, exposed, scaled, labelled, shown, deleted', async () => {
  const outputs = async (...args: string[]) => (await kubelab(args)).out
  expect(await outputs('create', 'deployment', 'web', '--image=busybox:1', '--port=80')).toBe('deployment.apps/web created\n')
  expect(await outputs('expose', 'deploy', 'web', '--target-port=8080')).toBe('service/web exposed\n')
  expect(await outputs('scale', 'deploy', 'web', '--replicas=3')).toBe('deployment.apps/web scaled\n')
  expect(await outputs('set', 'image', 'deploy/web', 'busybox=busybox:2')).toBe('deployment.apps/web image updated\n')
  expect(await outputs('set', 'env', 'deploy/web', 'LEVEL=debug')).toBe('deployment.apps/web env updated\n')
  expect(await outputs('set', 'env', 'deploy/web', 'OLD-', 'NEW=1', '--list')).toBe(
    '# Deployment web, container busybox\nLEVEL=debug\nNEW=1\n',
  )
  expect(await outputs('set', 'resources', 'deploy', 'web', '--limits=cpu=200m', '--dry-run=server')).toBe(
    'deployment.apps/web resource requirements updated (server dry run)\n',
  )
  expect(await outputs('label', 'deploy', 'web', 'tier=front')).toBe('deployment.apps/web labeled\n')
  expect(await outputs('get', 'deploy', 'web', '--no-headers', '-L', 'tier')).toMatch(/^web +0\/3 +0 +0 +\d+s +front\n$/)
  expect(await outputs('get', 'deploy/web', 'svc/web', '-o', 'name')).toBe('deployment.apps/web\nservice/web\n')
  expect(await outputs('wait', 'deploy/web', '--for=jsonpath={.spec.replicas}=3')).toBe('deployment.apps/web condition met\n')
  expect(await outputs('describe', 'deploy', 'web')).toMatch(/^Name: +web\nNamespace: +default\n/)
  expect(await outputs('explain', 'deployment.spec.replicas')).toMatch(
    /^GROUP: {6}apps\nKIND: {7}Deployment\nVERSION: {4}v1\n\nFIELD: replicas <integer>\n/,
  )
  expect(await outputs('trace', 'deploy/web')).toMatch(/patches deployments\/web\n\n1\. posted /)
  expect(await outputs('delete', 'deploy', 'web')).toBe('deployment.apps "web" deleted\n')
  expect((await kubelab(['get', 'pods'])).err).toBe('No resources found in default namespace.\n')
})

test('verbs that change what is there, and ask what may be done', async () => {
  const outputs = async (...args: string[]) => (await kubelab(args)).out
  expect(await outputs('create', 'rolebinding', 'b', '--clusterrole=view', '--user=jane', '--dry-run=client', '-o', 'name')).toBe(
    'rolebinding.rbac.authorization.k8s.io/b\n',
  )
  expect(await outputs('auth', 'can-i', 'get', 'pods', '--as=jane', '--as-group=system:masters')).toBe('yes\n')
  expect((await kubelab(['replace', '--force', '-f', '-'], configMap({ z: '1' }))).out).toMatch(/configmap\/colors replaced\n$/)
  const patch = ['patch', 'cm', 'colors', '--type=json', '-p', '[{"op":"add","path":"/data/y","value":"2"}]']
  expect(await outputs(...patch)).toBe('configmap/colors patched\n')
  expect(await outputs(...patch)).toBe('configmap/colors patched (no change)\n')
})
