import { describe, expect, it } from 'vitest'
import type { PodSpec } from '../../../api/generated/types.ts'
import { attributesOf, createFixture, made, madeIn } from '../admission-fixture.ts'
import { podSecurity } from './pod-security.ts'
import { toCandidate } from './check.ts'
import { detailsOf, policyOf, violationsOf, type Level } from './policy.ts'

const namespace = (labels: Record<string, string>) =>
  made('Namespace', 'ns', {
    metadata: {
      labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value])),
    },
  })
const hardened = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}
const spec = (securityContext: object = hardened, pod: object = {}) =>
  ({ containers: [{ name: 'c', image: 'i', securityContext }], ...pod }) as unknown as PodSpec

const judge = (level: Level, podSpec: PodSpec, version = 'latest', annotations = {}) =>
  detailsOf(violationsOf(toCandidate(annotations, podSpec), { level, version }))

describe('the levels', () => {
  it('let a hardened pod pass all', () => {
    expect(judge('restricted', spec())).toBe('')
  })

  it('complain of a plain pod only when restricted, in upstream’s words', () => {
    const plain = { containers: [{ name: 'c' }] } as PodSpec
    expect(judge('privileged', plain)).toBe('')
    expect(judge('baseline', plain)).toBe('')
    expect(judge('restricted', plain)).toBe(
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    )
  })

  it.each([
    [{ privileged: true }, {}, 'privileged (container "c" must not set securityContext.privileged=true)'],
    [{}, { hostNetwork: true, hostIPC: true }, 'host namespaces (hostNetwork=true, hostIPC=true)'],
    [{}, { volumes: [{ name: 'v', hostPath: { path: '/' } }] }, 'hostPath volumes (volume "v")'],
    [
      { capabilities: { add: ['NET_ADMIN', 'CHOWN', 'SYS_TIME'] } },
      {},
      'non-default capabilities (container "c" must not include "NET_ADMIN", "SYS_TIME" in securityContext.capabilities.add)',
    ],
    [{ procMount: 'Unmasked' }, {}, 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
    [{ procMount: 'Unmasked' }, { hostUsers: false }, ''],
    [
      { seccompProfile: { type: 'Unconfined' } },
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
      'seccompProfile (pod and container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      {},
      { securityContext: { sysctls: [{ name: 'kernel.msgmax' }, { name: 'net.ipv4.tcp_rmem' }] } },
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      { seLinuxOptions: { type: 'spc_t', user: 'u' } },
      {},
      'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      { appArmorProfile: { type: 'Unconfined' } },
      {},
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      { windowsOptions: { hostProcess: true } },
      {},
      'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ])('of the baseline: %o %o', (securityContext, pod, expected) => {
    expect(judge('baseline', spec(securityContext, pod))).toBe(expected)
  })

  it('count host ports and hosts of probes over all containers', () => {
    const containers = [
      { name: 'a', ports: [{ containerPort: 1, hostPort: 80 }], livenessProbe: { httpGet: { port: 1, host: 'h' } } },
      { name: 'b', ports: [{ containerPort: 1, hostPort: 443 }] },
    ]
    const pod = { containers } as unknown as PodSpec
    expect(judge('baseline', pod)).toBe(
      'hostPort (containers "a", "b" use hostPorts 443, 80), probe or lifecycle host (container "a" uses probe or lifecycle host "h")',
    )
    expect(judge('baseline', pod, 'v1.33')).toBe('hostPort (containers "a", "b" use hostPorts 443, 80)')
  })

  it.each([
    [{ ...hardened, runAsUser: 0 }, {}, 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    [
      { ...hardened, runAsNonRoot: false },
      {},
      'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
    ],
    [{ ...hardened, runAsNonRoot: false }, { hostUsers: false }, ''],
    [
      hardened,
      {
        volumes: [
          { name: 'v', nfs: {} },
          { name: 'w', hostPath: {} },
          { name: 'x', emptyDir: {} },
        ],
      },
      'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
    ],
    [
      { ...hardened, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } },
      {},
      'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [{}, { os: { name: 'windows' }, securityContext: { runAsNonRoot: true } }, ''],
  ])('of the restricted: %o %o', (securityContext, pod, expected) => {
    expect(judge('restricted', spec(securityContext, pod))).toBe(expected)
  })

  it('put what the baseline forbids before what the restricted level asks for', () => {
    expect(judge('restricted', spec({ ...hardened, privileged: true, runAsUser: 0 }))).toMatch(/^privileged .*runAsUser=0/)
  })
})

describe('the policy of a namespace', () => {
  const read = (labels: Record<string, string>) => policyOf(namespace(labels).metadata.labels)

  it('warns at the level that it enforces, unless told otherwise', () => {
    expect(read({ enforce: 'baseline', 'enforce-version': 'v1.30' }).policy.warn).toEqual({ level: 'baseline', version: 'v1.30' })
    expect(read({ enforce: 'baseline', warn: 'privileged' }).policy.warn.level).toBe('privileged')
  })

  it('enforces the strictest level where it cannot be read', () => {
    const { policy, errors } = read({ enforce: 'strict', 'warn-version': '1.30' })
    expect(policy.enforce.level).toBe('restricted')
    expect(policy.warn.level).toBe('privileged')
    expect(errors.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"',
    ])
  })
})

describe('PodSecurity', () => {
  const bad = () => madeIn('ns', 'Pod', 'p', { spec: spec({ ...hardened, privileged: true }) })

  it('refuses a pod', async () => {
    const fixture = createFixture(namespace({ enforce: 'baseline' }))
    await expect(fixture.run(podSecurity, attributesOf('pods', bad()))).rejects.toThrow(
      'pods "p" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
    )
  })

  it('tells the audit log what it enforced, and what the audit level would refuse', async () => {
    const fixture = createFixture(namespace({ audit: 'baseline' }))
    const { auditAnnotations, warnings } = await fixture.run(podSecurity, attributesOf('pods', bad(), { auditAnnotations: {} }))
    expect(warnings).toEqual([])
    expect(auditAnnotations).toEqual({
      'pod-security.kubernetes.io/enforce-policy': 'privileged:latest',
      'pod-security.kubernetes.io/audit-violations':
        'would violate PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
    })
  })

  it('only warns of a pod template', async () => {
    const fixture = createFixture(namespace({ enforce: 'baseline' }))
    const deployment = madeIn('ns', 'Deployment', 'd', { spec: { template: { spec: spec({ ...hardened, privileged: true }) } } })
    const { warnings } = await fixture.run(podSecurity, attributesOf('deployments.apps', deployment))
    expect(warnings).toEqual([
      'would violate PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)',
    ])
  })

  it('looks at an update only when an image changes or an ephemeral container comes', async () => {
    const fixture = createFixture(namespace({ enforce: 'restricted' }))
    const plain = (image: string, ephemeralContainers: object[] = []) =>
      madeIn('ns', 'Pod', 'p', { spec: { containers: [{ name: 'c', image }], ephemeralContainers } })
    const update = (object: ReturnType<typeof plain>, subresource = '') =>
      fixture.run(podSecurity, attributesOf('pods', object, { operation: 'UPDATE', oldObject: plain('a'), subresource }))
    await expect(update(plain('a'))).resolves.toBeDefined()
    await expect(update(plain('b'))).rejects.toThrow('violates PodSecurity')
    await expect(update(plain('a', [{ name: 'e' }]), 'ephemeralcontainers')).rejects.toThrow('containers "c", "e"')
    await expect(update(plain('b'), 'status')).resolves.toBeDefined()
  })

  it('refuses labels that mean nothing, but not those that were there already', async () => {
    const fixture = createFixture()
    const wrong = () => namespace({ enforce: 'nope' })
    await expect(fixture.run(podSecurity, attributesOf('namespaces', wrong()))).rejects.toMatchObject({ code: 422 })
    const update = attributesOf('namespaces', wrong(), { operation: 'UPDATE', oldObject: wrong() })
    await expect(fixture.run(podSecurity, update)).resolves.toBeDefined()
  })

  it('tells which pods a raised level would refuse', async () => {
    const pods = ['b', 'a', 'ok'].map((name) =>
      madeIn('ns', 'Pod', name, { spec: spec(name === 'ok' ? hardened : { ...hardened, privileged: true }) }),
    )
    const fixture = createFixture(...pods)
    const raise = attributesOf('namespaces', namespace({ enforce: 'baseline' }), {
      operation: 'UPDATE',
      oldObject: namespace({}),
    })
    expect((await fixture.run(podSecurity, raise)).warnings).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 1 other pod): privileged',
    ])
  })
})
