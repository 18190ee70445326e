/** Stock kubectl against our server: the commands people type, unchanged. Skipped where kubectl is not installed. */
import { execFile, spawnSync } from 'node:child_process'
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './start-server.ts'

const installed = spawnSync('kubectl', ['version', '--client']).status === 0

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.stop())

interface Ran {
  code: number
  out: string
  error: string
}

function kubectl(args: string, stdin = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      'kubectl',
      args.split(' '),
      { env: { ...process.env, KUBECONFIG: server.kubeconfig, HOME: '/nonexistent' } },
      (failure, out, error) => resolve({ code: failure ? Number(failure.code ?? 1) : 0, out, error }),
    )
    child.stdin!.end(stdin)
  })
}

const podManifest = (labels: string) => `
apiVersion: v1
kind: Pod
metadata:
  name: p1
  labels: {${labels}}
spec:
  containers:
  - name: c
    image: web:1
    ports: [{containerPort: 80}]
`

describe.runIf(installed)('kubectl', () => {
  test.each([
    ['create namespace team', 'namespace/team created'],
    ['create configmap c1 --from-literal=a=b', 'configmap/c1 created'],
    ['create secret generic s1 --from-literal=a=b', 'secret/s1 created'],
    ['create serviceaccount robot', 'serviceaccount/robot created'],
    ['create deployment web --image=web:1 --replicas=2', 'deployment.apps/web created'],
    ['create service clusterip svc --tcp=80:80', 'service/svc created'],
    ['create job once --image=web:1', 'job.batch/once created'],
    ['create role r --verb=get --resource=pods', 'role.rbac.authorization.k8s.io/r created'],
    ['create clusterrole lister --verb=list --resource=pods', 'clusterrole.rbac.authorization.k8s.io/lister created'],
    [
      'create clusterrolebinding crb --clusterrole=lister --user=jane',
      'clusterrolebinding.rbac.authorization.k8s.io/crb created',
    ],
    ['get configmap c1 -o jsonpath={.data.a}', 'b'],
    ['get deployment web', 'NAME   READY   UP-TO-DATE   AVAILABLE   AGE'],
    ['label configmap c1 x=y', 'configmap/c1 labeled'],
    ['get configmaps -l x=y -o name', 'configmap/c1'],
    ['annotate configmap c1 note=hi', 'configmap/c1 annotated'],
    ['patch configmap c1 -p {"data":{"a":"c"}}', 'configmap/c1 patched'],
    ['patch configmap c1 --type=json -p [{"op":"remove","path":"/data/a"}]', 'configmap/c1 patched'],
    ['scale deployment web --replicas=5', 'deployment.apps/web scaled'],
    ['get deployment web -o jsonpath={.spec.replicas}', '5'],
    ['set image deployment/web web=web:2', 'deployment.apps/web image updated'],
    ['auth can-i create pods', 'yes'],
    ['auth can-i create pods --as=jane', 'no'],
    ['auth can-i list pods --as=jane', 'yes'],
    ['auth whoami -o jsonpath={.status.userInfo.username}', 'admin'],
    ['create token robot', 'eyJ'],
    ['explain deployment.spec.replicas', 'FIELD: replicas <integer>'],
    ['api-resources --api-group=apps', 'deployments'],
    ['api-versions', 'apps/v1'],
    ['get events', ''],
    ['get all -A', 'deployment.apps/web'],
    ['describe deployment web', 'Replicas:'],
    ['delete job once', 'job.batch "once" deleted'],
  ])('%s', async (args, expected) => {
    const { code, out, error } = await kubectl(args)
    expect(out + error).toContain(expected)
    expect(code === 0 || args.includes('--as=jane')).toBe(true)
  })

  test.each([
    ['get pod nobody', 'Error from server (NotFound): pods "nobody" not found'],
    ['create namespace team', 'Error from server (AlreadyExists): namespaces "team" already exists'],
    [
      'get pods --as=john',
      'Error from server (Forbidden): pods is forbidden: User "john" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
  ])('%s fails as upstream words it', async (args, expected) => {
    const { code, error } = await kubectl(args)
    expect(code).not.toBe(0)
    expect(error).toContain(expected)
  })

  test('apply creates, changes, and leaves alone what is the same', async () => {
    expect((await kubectl('apply -f -', podManifest('app: a'))).out).toBe('pod/p1 created\n')
    expect((await kubectl('apply -f -', podManifest('app: a'))).out).toBe('pod/p1 unchanged\n')
    expect((await kubectl('apply -f -', podManifest('app: b'))).out).toBe('pod/p1 configured\n')
    expect((await kubectl('diff -f -', podManifest('app: b'))).code).toBe(0)
    expect((await kubectl('apply --server-side --force-conflicts -f -', podManifest('app: c'))).out).toBe(
      'pod/p1 serverside-applied\n',
    )
    expect((await kubectl('get pod p1 -o jsonpath={.metadata.labels.app}')).out).toBe('c')
  })

  test('apply refuses what the schema does not know', async () => {
    const { error } = await kubectl('apply -f -', podManifest('app: a').replace('image:', 'imagine:'))
    expect(error).toContain('unknown field "spec.containers[0].imagine"')
  })

  test('wait and get -w see a change', async () => {
    const waiting = kubectl('wait --for=jsonpath={.metadata.labels.go}=yes configmap/c1 --timeout=30s')
    const watching = spawn('kubectl', ['get', 'configmaps', '-w', '-o', 'name'], {
      env: { ...process.env, KUBECONFIG: server.kubeconfig },
    })
    let seen = ''
    const changed = new Promise<void>((resolve) => {
      watching.stdout.on('data', (text: Buffer) => {
        seen += text.toString()
        if (seen.split('configmap/c1').length > 2) resolve()
      })
    })
    await new Promise((resolve) => watching.stdout.once('data', resolve))
    await kubectl('label configmap c1 go=yes')
    expect((await waiting).out).toContain('condition met')
    await changed
    watching.kill()
  })

  test('delete waits until the object has gone', async () => {
    expect((await kubectl('delete pod p1')).out).toContain('pod "p1" deleted')
    expect((await kubectl('get pods -o name')).out).toBe('')
  })
})
