import { describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec } from '../../api/generated/types.ts'
import { computeRequests, planAdmission, planPlacement } from '../admission.ts'
import { computePodLimits, toContainerResources } from '../cgroups.ts'
import { computeDns, computeHostsFile, computeKernelHostname, parseResolvConf } from '../dns.ts'
import { computeEnv, type EnvSources } from '../containers/env.ts'
import { expand } from '../expand.ts'
import { checkImageName } from '../images/image-name.ts'
import { decidePull } from '../images/pull-policy.ts'
import { findCredentials } from '../images/pull-secrets.ts'
import { matchesNode } from '../node/node-match.ts'
import { computeOomScoreAdj, computeQosClass } from '../qos.ts'
import { judgeResize } from './resize.ts'
import { toSandboxConfig } from '../runtime/sandbox-config.ts'
import { linuxMounts } from '../volumes/file-systems.ts'
import { toMounts } from '../volumes/mounts.ts'
import { backoffUntil, formatDuration, nextBackoff } from './restart-backoff.ts'

const pod = (spec: Partial<PodSpec> = {}, name = 'web'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { app: 'web' } },
  spec: { containers: [{ name: 'main' }], ...spec },
})
const withResources = (...list: Container['resources'][]) =>
  pod({ containers: list.map((resources, index) => ({ name: `c${index}`, ...(resources ? { resources } : {}) })) })

describe('expand', () => {
  it.each([
    ['$(A)', 'one'],
    ['$$(A)', '$(A)'],
    ['$(B)', '$(B)'],
    ['a$(A)b$(A)', 'aonebone'],
    ['$A ${A} $', '$A ${A} $'],
    ['$(A', '$(A'],
  ])('%s', (text, expected) => expect(expand(text, (name) => (name === 'A' ? 'one' : undefined))).toBe(expected))
})

describe('the environment', () => {
  const sources: EnvSources = {
    configMap: (name) =>
      name === 'cm'
        ? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, uid: '' }, data: { key: 'value', '1bad': 'x' } }
        : undefined,
    secret: () => undefined,
    services: [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'my-db', namespace: 'default', uid: '' },
        spec: { clusterIP: '10.96.0.7', ports: [{ name: 'sql', port: 5432 }] },
      },
    ],
    addresses: { podIps: ['10.0.0.1'], hostIps: ['192.168.0.1'] },
    allocatable: { cpu: '2', memory: '1Gi' },
  }
  const compute = (container: Partial<Container>, spec: Partial<PodSpec> = {}) =>
    Object.fromEntries(computeEnv(pod({ enableServiceLinks: false, ...spec }), { name: 'main', ...container }, sources))

  it.each<[string, Partial<Container>, Record<string, string>]>([
    [
      'takes a whole map, without names that are none',
      { envFrom: [{ prefix: 'P_', configMapRef: { name: 'cm' } }] },
      { P_key: 'value', P_1bad: 'x' },
    ],
    ['takes a field', { env: [{ name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }] }, { L: 'web' }],
    [
      'takes the node for a limit that was not set',
      { env: [{ name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } }] },
      { C: '2000' },
    ],
    [
      'leaves out an optional key that is not there',
      { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'cm', key: 'nope', optional: true } } }] },
      {},
    ],
    [
      'lets later values use earlier ones',
      {
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '$(A)2' },
        ],
      },
      { A: '1', B: '12' },
    ],
  ])('%s', (_, container, expected) => expect(compute(container)).toEqual(expected))

  it('knows the services of its namespace', () => {
    expect(compute({}, { enableServiceLinks: true })).toEqual({
      MY_DB_SERVICE_HOST: '10.96.0.7',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_SQL: '5432',
      MY_DB_PORT: 'tcp://10.96.0.7:5432',
      MY_DB_PORT_5432_TCP: 'tcp://10.96.0.7:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '10.96.0.7',
    })
  })

  it.each<[string, Partial<Container>]>([
    ['secret "gone" not found', { envFrom: [{ secretRef: { name: 'gone' } }] }],
    [
      "couldn't find key nope in ConfigMap default/cm",
      { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'cm', key: 'nope' } } }] },
    ],
  ])('refuses: %s', (message, container) => expect(() => compute(container)).toThrow(message))
})

describe('resources', () => {
  it.each([
    ['BestEffort', withResources(undefined), 1000],
    ['Burstable', withResources({ requests: { memory: '256Mi' } }), 750],
    ['Burstable', withResources({ requests: { cpu: '1' }, limits: { cpu: '1', memory: '1Gi' } }, undefined), 1000 - 1],
    ['Guaranteed', withResources({ limits: { cpu: '1', memory: '1Gi' } }), -997],
  ])('%s', (qos, subject, score) => {
    expect(computeQosClass(subject)).toBe(qos)
    expect(computeOomScoreAdj(subject, subject.spec.containers[0]!, 1024 ** 3)).toBe(score)
  })

  it('become shares, quota and a limit of the container, and of the pod where all have one', () => {
    const limits = { cpu: '500m', memory: '64Mi' }
    const subject = withResources({ limits })
    expect(toContainerResources(subject, subject.spec.containers[0]!, 1024 ** 3)).toMatchObject({
      cpuShares: 512,
      cpuQuota: 50_000,
      memoryLimitInBytes: 64 << 20,
    })
    expect(computePodLimits(withResources({ limits }, { limits }))).toEqual({
      cpuShares: 1024,
      cpuQuota: 100_000,
      memoryLimit: 128 << 20,
    })
    expect(computePodLimits(withResources({ limits }, undefined))).toEqual({ cpuShares: 512, cpuQuota: 0, memoryLimit: 0 })
  })

  it('of the pod as a whole stand for those of its containers, and bound each that has no limit', () => {
    const parts = withResources({ requests: { cpu: '100m', memory: '128Mi' } }, undefined)
    const whole = { requests: { cpu: '500m', memory: '512Mi' }, limits: { cpu: '1', memory: '512Mi' } }
    const subject: Pod = { ...parts, spec: { ...parts.spec, resources: whole } }
    expect(computeQosClass(subject)).toBe('Burstable')
    expect(computeQosClass({ ...parts, spec: { ...parts.spec, resources: { limits: whole.limits } } })).toBe('Guaranteed')
    expect(computePodLimits(subject)).toEqual({ cpuShares: 512, cpuQuota: 100_000, memoryLimit: 512 << 20 })
    expect(Object.fromEntries(computeRequests(subject))).toEqual({ cpu: 500, memory: 512 << 20 })
    const [first, second] = subject.spec.containers
    expect(toContainerResources(subject, second!, 1024 ** 3)).toMatchObject({ cpuQuota: 100_000, memoryLimitInBytes: 512 << 20 })
    // 384Mi are nobody's: half of them for each.
    expect([first!, second!].map((part) => computeOomScoreAdj(subject, part, 1024 ** 3))).toEqual([687, 812])
  })

  it('that a node has not left refuse a pod', () => {
    const allocatable = { cpu: '2', memory: '1Gi', pods: '3' }
    const big = withResources({ requests: { cpu: '1500m' } })
    expect(planAdmission(big, [], allocatable)).toBeUndefined()
    expect(planAdmission(big, [big], allocatable)).toMatchObject({
      reason: 'OutOfcpu',
      message: "Node didn't have enough resource: cpu, requested: 1500, used: 1500, capacity: 2000",
    })
    expect(planAdmission(pod(), [pod(), pod(), pod()], allocatable)).toMatchObject({ reason: 'OutOfpods' })
  })

  it('that a node has never, or not now, hold up a resize', () => {
    const allocatable = { cpu: '2', memory: '1Gi', pods: '3' }
    const asking = (cpu: string) => withResources({ requests: { cpu } })
    expect(judgeResize(asking('2'), [], allocatable)).toBeUndefined()
    expect(judgeResize(asking('3'), [], allocatable)).toEqual({
      reason: 'Infeasible',
      message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
    })
    expect(judgeResize(asking('1500m'), [asking('1')], allocatable)).toEqual({
      reason: 'Deferred',
      message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
    })
  })
})

describe('a node', () => {
  const ports = (hostPort: number, more: object = {}) =>
    pod({ containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, ...more }] }] })
  it.each([
    ['has its port taken', ports(80), ports(80), 'NodePorts'],
    ['has it free for another protocol', ports(80), ports(80, { protocol: 'UDP' }), undefined],
    ['has it free on another address', ports(80, { hostIP: '10.0.0.1' }), ports(80, { hostIP: '10.0.0.2' }), undefined],
    ['has it taken on every address', ports(80, { hostIP: '10.0.0.1' }), ports(80), 'NodePorts'],
  ])('%s', (_, wanted, other, reason) => expect(planPlacement(wanted, [other], { pods: '9' })?.reason).toBe(reason))

  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: '', labels: { zone: 'a', size: '5' } }, spec: {} }
  const affinity = (...matchExpressions: { key: string; operator: string; values?: string[] }[]) =>
    pod({
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    })
  it.each([
    ['any', pod(), true],
    ['a label', pod({ nodeSelector: { zone: 'a' } }), true],
    ['another value', pod({ nodeSelector: { zone: 'b' } }), false],
    ['one of several values', affinity({ key: 'zone', operator: 'In', values: ['a', 'b'] }), true],
    ['more than it has', affinity({ key: 'size', operator: 'Gt', values: ['5'] }), false],
    [
      'no terms at all',
      pod({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }),
      false,
    ],
  ])('is matched: %s', (_, subject, expected) => expect(matchesNode(subject, node)).toBe(expected))
})

describe('names', () => {
  const node = parseResolvConf('# none\nnameserver 1.1.1.1\nsearch example.org.\noptions timeout:2\n')
  const dns = { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', node }
  it.each<[string, Partial<PodSpec>, object]>([
    [
      "the cluster's",
      {},
      {
        servers: ['10.96.0.10'],
        searches: ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.org'],
        options: ['ndots:5'],
      },
    ],
    ["the node's", { dnsPolicy: 'Default' }, node],
    ["the node's on its network", { hostNetwork: true }, node],
    [
      'its own',
      { dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'], options: [{ name: 'ndots', value: '2' }, { name: 'debug' }] } },
      { servers: ['9.9.9.9'], searches: [], options: ['ndots:2', 'debug'] },
    ],
    [
      "its own over the cluster's",
      { dnsConfig: { options: [{ name: 'ndots', value: '2' }] } },
      { servers: ['10.96.0.10'], searches: expect.any(Array), options: ['ndots:2'] },
    ],
  ])('%s', (_, spec, expected) => expect(computeDns(pod(spec), dns)).toEqual(expected))

  it('of the pod are in its hosts file', () => {
    const subject = pod({ hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] })
    const lines = computeHostsFile(subject, ['10.0.0.1'], 'cluster.local').split('\n')
    expect(lines).toContain('10.0.0.1\tdb-0.db.default.svc.cluster.local\tdb-0')
    expect(lines).toContain('1.2.3.4\ta\tb')
  })
})

describe('images', () => {
  const loaded = { id: 'sha256:1', repoTags: ['app:1'], repoDigests: [], size: 1, uid: null, username: '' }
  const pulled = { ...loaded, repoDigests: ['app@sha256:2'] }
  it.each([
    ['app:1', undefined, null, { pull: true }],
    ['app:1', undefined, pulled, { pull: false }],
    ['app', undefined, pulled, { pull: true }],
    ['app', undefined, loaded, { pull: false }],
    ['app:1', 'Always', pulled, { pull: true }],
    ['app:1', 'Always', loaded, { pull: false }],
    ['app:1', 'Never', null, { pull: false, refuse: 'Container image "app:1" is not present with pull policy of Never' }],
    ['app:1', 'Never', loaded, { pull: false }],
  ])('%s, %s', (image, policy, present, expected) => expect(decidePull(image, policy, present)).toEqual(expected))

  it.each([
    ['busybox', undefined],
    ['busybox:1.36', undefined],
    ['127.0.0.1:5000/team/app_a-b.c:v1.2_x', undefined],
    [`localhost/app:1@sha256:${'a'.repeat(64)}`, undefined],
    ['[::1]:5000/app', undefined],
    ['', `couldn't parse image name "": invalid reference format`],
    ['app:', `couldn't parse image name "app:": invalid reference format`],
    ['a//b', `couldn't parse image name "a//b": invalid reference format`],
    ['App', `couldn't parse image name "App": invalid reference format: repository name (library/App) must be lowercase`],
    ['app@sha256:12', `couldn't parse image name "app@sha256:12": invalid reference format`],
  ])('are named by what a registry knows: %j', (image, problem) => expect(checkImageName(image)).toBe(problem))

  it('get the credentials of their registry, the closest first', () => {
    const secret = (auths: object) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', uid: '' },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
    })
    const auth = (user: string) => ({ auth: Buffer.from(`${user}:secret`).toString('base64') })
    const secrets = [
      secret({ 'https://index.docker.io/v1/': auth('hub'), 'reg.example:5000': auth('all') }),
      secret({ 'reg.example:5000/team': auth('team'), '*.example.org': auth('any') }),
    ]
    const users = (image: string) => findCredentials(image, secrets).map(({ username }) => username)
    expect(users('busybox')).toEqual(['hub'])
    expect(users('reg.example:5000/team/app:1')).toEqual(['team', 'all'])
    expect(users('reg.example:5000/other')).toEqual(['all'])
    expect(users('a.example.org/x')).toEqual(['any'])
    expect(users('quay.example/x')).toEqual([])
  })
})

describe('the wait before a restart', () => {
  it('is none at first, then doubles to five minutes, and is forgotten after a long run', () => {
    let entry = undefined as ReturnType<typeof nextBackoff> | undefined
    let now = 0
    const waits: number[] = []
    for (let round = 0; round < 7; round++) {
      const until = backoffUntil(entry, now, now)
      waits.push(until ? until - now : 0)
      now = until || now
      entry = nextBackoff(entry, now, now)
    }
    expect(waits).toEqual([0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000])
    expect(backoffUntil(entry, now + 700_000, now + 700_000)).toBe(0)
  })

  it.each([
    [10_000, '10s'],
    [80_000, '1m20s'],
    [300_000, '5m0s'],
  ])('%d ms is told as %s', (ms, text) => expect(formatDuration(ms)).toBe(text))
})

describe('what this runtime cannot do', () => {
  const subject = (spec: Partial<PodSpec>): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u1' },
    spec: { containers: [{ name: 'main' }], ...spec },
  })

  it('a user namespace: the pod does not get the root of the node instead', () => {
    const settings = {
      attempt: 0,
      cgroupParent: '',
      logDirectory: '',
      dns: { clusterDns: [], clusterDomain: 'c', node: parseResolvConf('') },
    }
    expect(() => toSandboxConfig(subject({ hostUsers: false }), settings)).toThrow('does not support user namespaces')
  })

  it('a mount that is read only to its last depth: the container does not get one that is not', async () => {
    const place = { directory: '/v', readOnly: false, isDevice: false }
    const context = { volumes: new Map([['v', place]]), env: new Map(), mounts: linuxMounts, subPathTarget: () => '' }
    const mount = { name: 'v', mountPath: '/v', readOnly: true }
    const withMode = (recursiveReadOnly: string) =>
      toMounts({ name: 'main', volumeMounts: [{ ...mount, recursiveReadOnly }] }, context)
    await expect(withMode('Enabled')).rejects.toThrow('not supported by the runtime')
    expect(await withMode('IfPossible')).toMatchObject([{ readonly: true }])
  })

  it('a host name that the kernel does not take', () => {
    const long = subject({ setHostnameAsFQDN: true, hostname: 'a'.repeat(63), subdomain: 'sub' })
    expect(() => computeKernelHostname(long, 'cluster.local')).toThrow(
      'is too long (64 characters is the max, 93 characters requested)',
    )
    expect(computeKernelHostname(subject({ setHostnameAsFQDN: true, subdomain: 'sub' }), 'c')).toBe('web.sub.default.svc.c')
  })
})
