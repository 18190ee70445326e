import { describe, expect, it } from 'vitest'
import type { Pod, PodSpec } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import { attributesOf, createFixture, made, madeIn } from '../admission-fixture.ts'
import { alwaysPullImages } from './always-pull-images.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { extendedResourceToleration } from './extended-resource-toleration.ts'
import { limitRanger } from './limit-ranger.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { podNodeSelector } from './pod-node-selector.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { priority } from './priority.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'

const pod = (spec: object = {}, metadata: object = {}) =>
  madeIn('ns', 'Pod', 'p', { metadata, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })

/** The pod's spec after the plugin has had it. */
async function specAfter(plugin: AdmissionPlugin, object: KubeObject, ...world: KubeObject[]): Promise<PodSpec> {
  await createFixture(...world).run(plugin, attributesOf('pods', object))
  return (object as Pod).spec
}

describe('ServiceAccount', () => {
  const account = (name: string, more = {}) => madeIn('ns', 'ServiceAccount', name, more)

  it('gives a pod the default account and its token', async () => {
    const spec = await specAfter(serviceAccount, pod({ initContainers: [{ name: 'i' }] }), account('default'))
    expect(spec.serviceAccountName).toBe('default')
    expect(spec.serviceAccount).toBe('default')
    const [volume] = spec.volumes!
    expect(volume!.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/)
    expect(volume!.projected).toEqual({
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
    })
    const mount = { name: volume!.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }
    expect(spec.containers[0]!.volumeMounts).toEqual([mount])
    expect(spec.initContainers![0]!.volumeMounts).toEqual([mount])
  })

  it.each([
    ['the pod does not want it', pod({ automountServiceAccountToken: false }), account('default')],
    ['its account does not want it', pod(), account('default', { automountServiceAccountToken: false })],
    [
      'the container has something else there',
      pod({
        containers: [{ name: 'c', volumeMounts: [{ name: 'x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] }],
      }),
      account('default'),
    ],
  ])('mounts no token when %s', async (_, object, world) => {
    expect((await specAfter(serviceAccount, object, world)).volumes).toBeUndefined()
  })

  it('takes the account’s pull secrets, unless the pod has its own', async () => {
    const world = account('default', { imagePullSecrets: [{ name: 'a' }] })
    expect((await specAfter(serviceAccount, pod(), world)).imagePullSecrets).toEqual([{ name: 'a' }])
    const own = pod({ imagePullSecrets: [{ name: 'b' }] })
    expect((await specAfter(serviceAccount, own, world)).imagePullSecrets).toEqual([{ name: 'b' }])
  })

  it('refuses an account that does not exist', async () => {
    await expect(specAfter(serviceAccount, pod({ serviceAccountName: 'nope' }))).rejects.toThrow(
      'pods "p" is forbidden: error looking up service account ns/nope: serviceaccount "nope" not found',
    )
  })

  it('waits for the default account of a namespace that was just made', async () => {
    const fixture = createFixture()
    const attributes = attributesOf('pods', pod())
    const running = fixture.run(serviceAccount, attributes)
    setImmediate(() => fixture.reader.put(account('default')))
    await running
    expect((attributes.object as Pod).spec?.volumes).toHaveLength(1)
  })

  it('leaves a mirror pod alone, and lets it refer to nothing', async () => {
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
    expect((await specAfter(serviceAccount, pod({}, mirror))).serviceAccountName).toBeUndefined()
    const refers = pod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, mirror)
    await expect(specAfter(serviceAccount, refers)).rejects.toThrow('a mirror pod may not reference secrets')
  })

  it('limits a pod to the secrets of its account where the account says so', async () => {
    const metadata = { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } }
    const world = account('default', { metadata, secrets: [{ name: 'mine' }] })
    const using = (secretName: string) => pod({ volumes: [{ name: 'v', secret: { secretName } }] })
    await expect(specAfter(serviceAccount, using('mine'), world)).resolves.toBeDefined()
    await expect(specAfter(serviceAccount, using('other'), world)).rejects.toThrow(
      'volume with secret.secretName="other" is not allowed because service account default does not reference that secret',
    )
  })
})

describe('DefaultTolerationSeconds', () => {
  const added = (key: string) => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  })

  it.each([
    [undefined, [added('not-ready'), added('unreachable')]],
    [
      [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
      [added('unreachable')],
    ],
    [[{ operator: 'Exists' }], []],
  ])('adds to %o what is missing', async (tolerations, expected) => {
    const spec = await specAfter(defaultTolerationSeconds, pod({ ...(tolerations && { tolerations }) }))
    expect(spec.tolerations?.slice(tolerations?.length ?? 0)).toEqual(expected)
  })
})

describe('Priority', () => {
  const classOf = (name: string, value: number, more = {}) => made('PriorityClass', name, { value, ...more })
  const high = classOf('high', 1000, { preemptionPolicy: 'Never' })

  it.each([
    ['none', pod(), [], { priority: 0, preemptionPolicy: 'PreemptLowerPriority' }],
    ['the named class', pod({ priorityClassName: 'high' }), [high], { priority: 1000, preemptionPolicy: 'Never' }],
    ['the default class', pod(), [classOf('std', 7, { globalDefault: true })], { priorityClassName: 'std', priority: 7 }],
    [
      'the lower of two default classes',
      pod(),
      [classOf('b', 9, { globalDefault: true }), classOf('a', 3, { globalDefault: true })],
      { priorityClassName: 'a', priority: 3 },
    ],
  ])('gives the priority of %s', async (_, object, world, expected) => {
    expect(await specAfter(priority, object, ...world)).toMatchObject(expected)
  })

  it.each([
    [pod({ priorityClassName: 'nope' }), 'pods "p" is forbidden: no PriorityClass with name nope was found'],
    [
      pod({ priorityClassName: 'high', priority: 5 }),
      'the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name',
    ],
    [
      pod({ priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' }),
      'the string value of PreemptionPolicy (PreemptLowerPriority)',
    ],
  ])('refuses %#', async (object, message) => {
    await expect(specAfter(priority, object, high)).rejects.toThrow(message)
  })

  it('allows one default class', async () => {
    const fixture = createFixture(classOf('std', 7, { globalDefault: true }))
    const another = classOf('other', 1, { globalDefault: true })
    await expect(fixture.run(priority, attributesOf('priorityclasses.scheduling.k8s.io', another))).rejects.toThrow(
      'PriorityClass std is already marked as default. Only one default can exist',
    )
    const same = attributesOf('priorityclasses.scheduling.k8s.io', classOf('std', 7, { globalDefault: true }), {
      operation: 'UPDATE',
    })
    await expect(fixture.run(priority, same)).resolves.toBeDefined()
  })

  it('keeps the priority when a client sends the pod back without it', async () => {
    const updated = pod()
    const oldObject = pod({ priority: 5, preemptionPolicy: 'Never' })
    await createFixture().run(priority, attributesOf('pods', updated, { operation: 'UPDATE', oldObject }))
    expect((updated as Pod).spec).toMatchObject({ priority: 5, preemptionPolicy: 'Never' })
  })
})

describe('LimitRanger', () => {
  const range = (...limits: object[]) => madeIn('ns', 'LimitRange', 'l', { spec: { limits } })
  const defaults = range({ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '100m', memory: '64Mi' } })
  const using = (requests: object, limits: object = {}) => pod({ containers: [{ name: 'c', resources: { requests, limits } }] })

  it('fills in what a container leaves open, and says so', async () => {
    const object = using({ memory: '1Gi' })
    const { containers } = await specAfter(limitRanger, object, defaults)
    expect(containers[0]!.resources).toEqual({ limits: { cpu: '1' }, requests: { cpu: '100m', memory: '1Gi' } })
    expect(object.metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
    })
  })

  it.each([
    [
      { type: 'Container', min: { cpu: '200m' } },
      using({ cpu: '100m' }),
      'minimum cpu usage per Container is 200m, but request is 100m',
    ],
    [{ type: 'Container', min: { cpu: '200m' } }, using({}), 'minimum cpu usage per Container is 200m.  No request is specified'],
    [
      { type: 'Container', max: { cpu: '1' } },
      using({}, { cpu: '1500m' }),
      'maximum cpu usage per Container is 1, but limit is 1500m',
    ],
    [{ type: 'Container', max: { cpu: '1' } }, using({}), 'maximum cpu usage per Container is 1.  No limit is specified'],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      using({ cpu: '1' }, { cpu: '3' }),
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
    [
      { type: 'Pod', max: { memory: '1Gi' } },
      pod({ containers: ['a', 'b'].map((name) => ({ name, resources: { limits: { memory: '600Mi' } } })) }),
      'maximum memory usage per Pod is 1Gi, but limit is 1200Mi',
    ],
    [
      { type: 'Container', min: { cpu: '200m', memory: '1Gi' } },
      using({ cpu: '100m' }),
      '[minimum cpu usage per Container is 200m, but request is 100m, minimum memory usage per Container is 1Gi.  No request is specified]',
    ],
  ])('refuses what is outside %o', async (limit, object, message) => {
    await expect(specAfter(limitRanger, object, range(limit))).rejects.toThrow(`pods "p" is forbidden: ${message}`)
  })

  const of = (name: string, limit: string | undefined, more: object = {}) => ({
    name,
    ...more,
    resources: limit === undefined ? {} : { limits: { memory: limit }, requests: { memory: limit } },
  })
  const sidecar = { restartPolicy: 'Always' }

  it.each<[string, object, string | null]>([
    ['containers in sum', { containers: [of('a', '600Mi'), of('b', '400Mi')] }, null],
    // As v1.36: what is open for one does not leave it open for all.
    ['containers that say something', { containers: [of('a', '600Mi'), of('b', undefined)] }, null],
    ['too much in one beside an open one', { containers: [of('a', '2Gi'), of('b', undefined)] }, 'but limit is 2Gi'],
    ['nothing at all', { containers: [of('a', undefined)] }, 'No limit is specified'],
    ['the greatest init container', { containers: [of('a', '600Mi')], initContainers: [of('i', '1Gi'), of('j', '1Gi')] }, null],
    ['an init container alone', { containers: [of('a', undefined)], initContainers: [of('i', '2Gi')] }, 'but limit is 2Gi'],
    [
      'sidecars beside containers',
      { containers: [of('a', '600Mi')], initContainers: [of('s', '600Mi', sidecar)] },
      'but limit is 1200Mi',
    ],
    [
      'sidecars beside later init containers',
      { containers: [of('a', '100Mi')], initContainers: [of('s', '600Mi', sidecar), of('i', '600Mi')] },
      'but limit is 1200Mi',
    ],
    [
      'sidecars after init containers',
      { containers: [of('a', '100Mi')], initContainers: [of('i', '1Gi'), of('s', '600Mi', sidecar)] },
      null,
    ],
    [
      'what the pod states itself',
      { containers: [of('a', '100Mi')], resources: { limits: { memory: '2Gi' }, requests: { memory: '2Gi' } } },
      'but limit is 2Gi',
    ],
    ['no overhead', { containers: [of('a', '1Gi')], overhead: { memory: '1Gi' } }, null],
  ])('counts for a pod %s', async (_, spec, complaint) => {
    const admitted = specAfter(limitRanger, pod(spec), range({ type: 'Pod', max: { memory: '1Gi' } }))
    if (complaint === null) await expect(admitted).resolves.toBeDefined()
    else
      await expect(admitted).rejects.toThrow(
        `maximum memory usage per Pod is 1Gi${complaint.startsWith('No') ? '. ' : ','} ${complaint}`,
      )
  })

  it('lets the first range that has a default for something set it, in init containers too', async () => {
    const spec = await specAfter(
      limitRanger,
      pod({ containers: [{ name: 'c' }], initContainers: [{ name: 'i' }] }),
      madeIn('ns', 'LimitRange', 'a', { spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } }),
      madeIn('ns', 'LimitRange', 'b', { spec: { limits: [{ type: 'Container', default: { cpu: '2', memory: '1Gi' } }] } }),
    )
    for (const { resources } of [...spec.containers, ...spec.initContainers!])
      expect(resources).toEqual({ limits: { cpu: '1', memory: '1Gi' } })
  })

  it('refuses a resize to what is outside, and gives a pod that is resized no defaults', async () => {
    const fixture = createFixture(range({ type: 'Container', max: { cpu: '1' }, default: { memory: '1Gi' } }))
    const resize = (cpu: string) => {
      const object = using({}, { cpu })
      const more = { operation: 'UPDATE', subresource: 'resize', oldObject: using({}, { cpu: '1' }) } as const
      return fixture.run(limitRanger, attributesOf('pods', object, more))
    }
    await expect(resize('2')).rejects.toThrow('maximum cpu usage per Container is 1, but limit is 2')
    expect(((await resize('500m')).object as Pod).spec!.containers[0]!.resources).toEqual({
      requests: {},
      limits: { cpu: '500m' },
    })
  })

  it('holds claims to the range of storage', async () => {
    const fixture = createFixture(range({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } }))
    const claim = (storage: string) =>
      madeIn('ns', 'PersistentVolumeClaim', 'c', { spec: { resources: { requests: { storage } } } })
    const ask = (storage: string) => fixture.run(limitRanger, attributesOf('persistentvolumeclaims', claim(storage)))
    await expect(ask('1536Mi')).resolves.toBeDefined()
    await expect(ask('3Gi')).rejects.toThrow('maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi')
    await expect(ask('512Mi')).rejects.toThrow('minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi')
  })
})

describe('RuntimeClass', () => {
  const gvisor = made('RuntimeClass', 'gvisor', {
    overhead: { podFixed: { cpu: '100m' } },
    scheduling: { nodeSelector: { runtime: 'gvisor' }, tolerations: [{ key: 'gvisor', operator: 'Exists' }] },
  })

  it('adds overhead, selector and tolerations', async () => {
    expect(await specAfter(runtimeClass, pod({ runtimeClassName: 'gvisor' }), gvisor)).toMatchObject({
      overhead: { cpu: '100m' },
      nodeSelector: { runtime: 'gvisor' },
      tolerations: [{ key: 'gvisor', operator: 'Exists' }],
    })
  })

  it.each([
    [pod({ runtimeClassName: 'nope' }), 'pod rejected: RuntimeClass "nope" not found'],
    [pod({ overhead: { cpu: '1' } }), 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
    [pod({ runtimeClassName: 'gvisor', overhead: { cpu: '1' } }), "Pod's Overhead doesn't match RuntimeClass's defined Overhead"],
    [
      pod({ runtimeClassName: 'gvisor', nodeSelector: { runtime: 'runc' } }),
      'conflict: runtimeClass.scheduling.nodeSelector[runtime] = gvisor; pod.spec.nodeSelector[runtime] = runc',
    ],
  ])('refuses %#', async (object, message) => {
    await expect(specAfter(runtimeClass, object, gvisor)).rejects.toThrow(message)
  })
})

describe('PodTopologyLabels', () => {
  const zone = { 'topology.kubernetes.io/zone': 'a' }
  const world = made('Node', 'n', { metadata: { labels: { ...zone, 'kubernetes.io/hostname': 'n' } } })

  it('labels a pod that is bound, and one that is made on its node', async () => {
    const binding = madeIn('ns', 'Binding', 'p', { target: { kind: 'Node', name: 'n' } })
    await createFixture(world).run(podTopologyLabels, attributesOf('pods', binding, { subresource: 'binding' }))
    expect(binding.metadata.labels).toEqual(zone)
    const bound = pod({ nodeName: 'n' }, { labels: { app: 'x' } })
    await createFixture(world).run(podTopologyLabels, attributesOf('pods', bound))
    expect(bound.metadata.labels).toEqual({ app: 'x', ...zone })
  })
})

describe('plugins that are off by default', () => {
  it('AlwaysPullImages pulls always', async () => {
    const spec = await specAfter(alwaysPullImages, pod({ initContainers: [{ name: 'i', imagePullPolicy: 'Never' }] }))
    expect([...spec.containers, ...spec.initContainers!].map((container) => container.imagePullPolicy)).toEqual([
      'Always',
      'Always',
    ])
  })

  it('PodNodeSelector keeps pods to the nodes of their namespace', async () => {
    const world = made('Namespace', 'ns', {
      metadata: { annotations: { 'scheduler.alpha.kubernetes.io/node-selector': 'team=a, disk=ssd' } },
    })
    expect((await specAfter(podNodeSelector, pod({ nodeSelector: { x: 'y' } }), world)).nodeSelector).toEqual({
      team: 'a',
      disk: 'ssd',
      x: 'y',
    })
    await expect(specAfter(podNodeSelector, pod({ nodeSelector: { team: 'b' } }), world)).rejects.toThrow(
      'pod node label selector conflicts with its namespace node label selector',
    )
  })

  it('ExtendedResourceToleration tolerates the taint of the device that is asked for', async () => {
    const object = pod({ containers: [{ name: 'c', resources: { requests: { cpu: '1', 'example.com/gpu': '1' } } }] })
    expect((await specAfter(extendedResourceToleration, object)).tolerations).toEqual([
      { key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
    ])
  })
})
