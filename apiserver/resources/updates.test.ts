/** What may change from one version of an object to the next, and what the server keeps of the old one by itself. */
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { KindName } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import { RESOURCES } from '../resources.ts'
import type { ResourceDefinition } from './resource.ts'

type Free = KubeObject & { spec: Record<string, unknown>; status?: Record<string, unknown> } & Record<string, unknown>

const definitionOf = (kind: KindName): ResourceDefinition =>
  RESOURCES.find(({ names }) => names.kind === kind && names.group !== 'events.k8s.io')!

function stored(kind: KindName, manifest: string): Free {
  const object = parse(manifest) as Free
  const definition = definitionOf(kind)
  object.apiVersion ??= 'v1'
  object.kind = kind
  Object.assign(object.metadata, { uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' })
  if (definition.names.namespaced) object.metadata.namespace = 'default'
  definition.setDefaults?.(object)
  definition.prepareForCreate?.(object)
  expect(definition.validate?.(object)).toEqual([])
  return object
}

/** The complaints about an update, and the object as it would be stored. */
function update(kind: KindName, old: Free, change: (object: Free) => void) {
  const definition = definitionOf(kind)
  const before = structuredClone(old)
  const object = structuredClone(old)
  change(object)
  definition.setDefaults?.(object)
  definition.prepareForUpdate?.(object, old)
  const errors = [...(definition.validate?.(object) ?? []), ...(definition.validateUpdate?.(object, old) ?? [])]
  expect(old).toEqual(before)
  return {
    object,
    errors: errors.map(({ field, message }) => `${field}: ${message}`),
    raises: definition.generationChanges?.(object, old),
  }
}

const container = (object: Free) => (object.spec.containers as Record<string, unknown>[])[0]!

describe('a pod', () => {
  const pod = stored(
    'Pod',
    '{metadata: {name: p}, spec: {nodeName: n, activeDeadlineSeconds: 50, containers: [{name: c, image: x}], tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 5}]}}',
  )
  const gated = stored(
    'Pod',
    '{metadata: {name: p}, spec: {nodeSelector: {a: b}, schedulingGates: [{name: g}], containers: [{name: c, image: x}]}}',
  )
  const onlyThese = 'spec: Forbidden: pod updates may not change fields other than'

  test.each<[string, (pod: Free) => void]>([
    ['its image', (pod) => (container(pod).image = 'y')],
    ['a shorter deadline', (pod) => (pod.spec.activeDeadlineSeconds = 5)],
    ['one more toleration', (pod) => (pod.spec.tolerations as object[]).push({ key: 'b', operator: 'Exists' })],
    [
      'the seconds of a toleration',
      (pod) => ((pod.spec.tolerations as { tolerationSeconds: number }[])[0]!.tolerationSeconds = 9),
    ],
    ['its labels', (pod) => (pod.metadata.labels = { a: 'b' })],
  ])('may change %s', (_, change) => {
    expect(update('Pod', pod, change).errors).toEqual([])
  })

  test.each<[string, (pod: Free) => void, string]>([
    ['its node', (pod) => (pod.spec.nodeName = 'm'), onlyThese],
    ['its command', (pod) => (container(pod).command = ['sh']), onlyThese],
    ['its restart policy', (pod) => (pod.spec.restartPolicy = 'Never'), onlyThese],
    [
      'its containers',
      (pod) => (pod.spec.containers as object[]).push({ name: 'd', image: 'x' }),
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ],
    [
      'a later deadline',
      (pod) => (pod.spec.activeDeadlineSeconds = 99),
      'spec.activeDeadlineSeconds: Invalid value: 99: must be less than or equal to previous value',
    ],
    [
      'a toleration less',
      (pod) => (pod.spec.tolerations = []),
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ],
    ['its name', (pod) => (pod.metadata.name = 'q'), 'metadata.name: Invalid value: "q": field is immutable'],
  ])('may not change %s', (_, change, complaint) => {
    expect(update('Pod', pod, change).errors.join('\n')).toContain(complaint)
  })

  test('may be told more precisely where to go while it waits at a gate', () => {
    expect(update('Pod', gated, ({ spec }) => (spec.nodeSelector = { a: 'b', c: 'd' })).errors).toEqual([])
    expect(update('Pod', gated, ({ spec }) => (spec.nodeSelector = { a: 'c' })).errors.join()).toContain(
      'only additions to spec.nodeSelector are allowed',
    )
    expect(update('Pod', gated, ({ spec }) => (spec.schedulingGates = [{ name: 'h' }])).errors.join()).toContain(
      'only deletion is allowed, but found new scheduling gate(s) "h"',
    )
  })

  test('shows its first address under both names', () => {
    const withStatus = (status: Record<string, unknown>) => {
      const object = { ...structuredClone(pod), status }
      definitionOf('Pod').setDefaults?.(object)
      return object.status
    }
    expect(withStatus({ podIP: '10.244.0.5' })).toEqual({ podIP: '10.244.0.5', podIPs: [{ ip: '10.244.0.5' }] })
    expect(withStatus({ podIPs: [{ ip: '10.244.0.6' }] })).toMatchObject({ podIP: '10.244.0.6' })
  })

  test('gains and loses no debug container but through its subresource', () => {
    const debug = {
      name: 'd',
      image: 'x',
      imagePullPolicy: 'Always',
      terminationMessagePath: '/l',
      terminationMessagePolicy: 'File',
    }
    const changed = structuredClone(pod)
    changed.spec.ephemeralContainers = [debug]
    expect(update('Pod', pod, ({ spec }) => (spec.ephemeralContainers = [debug])).errors.join()).toContain(onlyThese)
    const { validateSubresource } = definitionOf('Pod')
    expect(validateSubresource!.ephemeralcontainers!(changed, pod)).toEqual([])
    expect(validateSubresource!.ephemeralcontainers!(pod, changed)).toMatchObject([{ field: 'spec.ephemeralContainers' }])
  })

  test('is resized in cpu and memory only, within its class', () => {
    const { validateSubresource } = definitionOf('Pod')
    const sized = stored(
      'Pod',
      '{metadata: {name: p}, spec: {containers: [{name: c, image: x, resources: {requests: {cpu: 1}}}]}}',
    )
    const resize = (change: (pod: Free) => void) => {
      const object = structuredClone(sized)
      change(object)
      return validateSubresource!.resize!(object, sized).map(({ message }) => message)
    }
    expect(resize((pod) => (container(pod).resources = { requests: { cpu: '2' } }))).toEqual([])
    expect(resize((pod) => (container(pod).image = 'y'))).toEqual(['Forbidden: only cpu and memory resources are mutable'])
    expect(resize((pod) => (container(pod).resources = {}))).toEqual([
      'Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing',
    ])
  })

  test('loses the gated condition with its last gate', () => {
    const { object, errors } = update('Pod', gated, ({ spec }) => delete spec.schedulingGates)
    expect(errors).toEqual([])
    expect(object.status).toMatchObject({ phase: 'Pending', conditions: [] })
  })

  test('keeps its status in updates of the spec, and its spec in updates of the status', () => {
    expect(update('Pod', pod, (pod) => (pod.status = { phase: 'Running' })).object.status).toMatchObject({ phase: 'Pending' })
    const definition = definitionOf('Pod')
    const object = structuredClone(pod)
    container(object).image = 'y'
    object.status = { phase: 'Running' }
    definition.prepareForStatusUpdate?.(object, pod)
    expect(container(object).image).toBe('x')
    expect(object.status).toEqual({ phase: 'Running', qosClass: 'BestEffort' })
  })

  test.each([
    [['10.0.0.1', 'fd00::1'], []],
    [['10.0.0.256'], ['status.podIPs[0]']],
    [['10.0.0.1', '10.0.0.2'], ['status.podIPs']],
  ])('has addresses of which each is one, and one of each family: %j', (ips, fields) => {
    const next = { ...structuredClone(pod), status: { podIPs: ips.map((ip) => ({ ip })) } }
    const errors = definitionOf('Pod').validateStatusUpdate?.(next as KubeObject, pod as KubeObject)
    expect(errors?.map(({ field }) => field)).toEqual(fields)
  })

  test.each([
    [undefined, 30],
    [5, 5],
    [0, 0],
    [-3, 1],
  ])('asked to go with grace %s, it has %i seconds on a node', (requested, seconds) => {
    const { gracePeriodSeconds } = definitionOf('Pod')
    expect(gracePeriodSeconds?.(pod, requested)).toBe(seconds)
    expect(gracePeriodSeconds?.(gated, requested)).toBe(0)
    expect(gracePeriodSeconds?.({ ...pod, status: { phase: 'Succeeded' } } as KubeObject, requested)).toBe(0)
  })
})

describe('warnings', () => {
  test.each([
    [
      'Pod',
      '{metadata: {name: a.b}, spec: {containers: [{name: c, image: x}]}}',
      "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended",
    ],
    [
      'Pod',
      '{metadata: {name: a}, spec: {containers: [{name: c, image: x, env: [{name: A, value: "1"}, {name: A, value: "2"}]}]}}',
      'spec.containers[0].env[1]: hides previous definition of "A", which may be unexpected',
    ],
    [
      'Pod',
      '{metadata: {name: a}, spec: {containers: [{name: c, image: x, env: [{name: A, value: "1"}, {name: A, value: "$(A):2"}]}]}}',
      undefined,
    ],
    [
      'Pod',
      '{metadata: {name: a}, spec: {nodeSelector: {beta.kubernetes.io/os: linux}, containers: [{name: c, image: x}]}}',
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
    ],
    [
      'Deployment',
      '{metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x, resources: {limits: {memory: 100m}}}]}}}}',
      'spec.template.spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
    ],
  ] as const)('%s %s', (kind, manifest, warning) => {
    const warnings = definitionOf(kind).warnings?.(stored(kind, manifest)) ?? []
    if (warning === undefined) expect(warnings).toEqual([])
    else expect(warnings[0]).toContain(warning)
    // Whoever updates it has been told.
    expect(definitionOf(kind).warnings?.(stored(kind, manifest), stored(kind, manifest))).toEqual([])
  })
})

describe('generation', () => {
  const deployment = stored(
    'Deployment',
    '{apiVersion: apps/v1, metadata: {name: d}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}}',
  )

  test('rises with the spec, and for deployments with annotations; not with labels', () => {
    expect(update('Deployment', deployment, ({ spec }) => (spec.replicas = 5)).raises).toBe(true)
    expect(update('Deployment', deployment, ({ metadata }) => (metadata.annotations = { a: 'b' })).raises).toBe(true)
    expect(update('Deployment', deployment, ({ metadata }) => (metadata.labels = { a: 'b' })).raises).toBe(false)
    expect(update('Deployment', deployment, ({ spec }) => delete spec.replicas).raises).toBe(false)
  })

  test('a selector stays', () => {
    const { errors } = update('Deployment', deployment, ({ spec }) => {
      spec.selector = { matchLabels: { a: 'c' } }
      ;(spec.template as Free).metadata.labels = { a: 'c' }
    })
    expect(errors).toEqual(['spec.selector: Invalid value: {"matchLabels":{"a":"c"}}: field is immutable'])
  })
})

describe('others', () => {
  const claim = stored(
    'PersistentVolumeClaim',
    '{metadata: {name: c}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}',
  )
  const bound = { ...claim, spec: { ...claim.spec, volumeName: 'v' }, status: { phase: 'Bound', capacity: { storage: '2Gi' } } }

  test.each<[KindName, string, Free, (object: Free) => void, string]>([
    ['PersistentVolumeClaim', 'grow once bound', bound, ({ spec }) => (spec.resources = { requests: { storage: '3Gi' } }), ''],
    [
      'PersistentVolumeClaim',
      'shrink',
      bound,
      ({ spec }) => (spec.resources = { requests: { storage: '1Gi' } }),
      'field can not be less than status.capacity',
    ],
    [
      'PersistentVolumeClaim',
      'grow before that',
      claim,
      ({ spec }) => (spec.resources = { requests: { storage: '3Gi' } }),
      'spec: Forbidden: spec is immutable after creation except',
    ],
    ['PersistentVolumeClaim', 'be bound', claim, ({ spec }) => (spec.volumeName = 'v'), ''],
    [
      'StatefulSet',
      'scale',
      stored(
        'StatefulSet',
        '{apiVersion: apps/v1, metadata: {name: s}, spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}}',
      ),
      ({ spec }) => (spec.replicas = 3),
      '',
    ],
    [
      'StatefulSet',
      'change its service',
      stored(
        'StatefulSet',
        '{apiVersion: apps/v1, metadata: {name: s}, spec: {serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}}',
      ),
      ({ spec }) => (spec.serviceName = 't'),
      'updates to statefulset spec for fields other than',
    ],
    [
      'ConfigMap',
      'change when immutable',
      stored('ConfigMap', '{metadata: {name: c}, immutable: true, data: {a: b}}'),
      (object) => (object.data = { a: 'c' }),
      'data: Forbidden: field is immutable when `immutable` is set',
    ],
    [
      'Secret',
      'change its type',
      stored('Secret', '{metadata: {name: c}, type: a}'),
      (object) => (object.type = 'b'),
      'type: Invalid value: "b": field is immutable',
    ],
    [
      'RoleBinding',
      'change its role',
      stored(
        'RoleBinding',
        '{apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: c}, roleRef: {kind: Role, name: a, apiGroup: rbac.authorization.k8s.io}}',
      ),
      (object) => (object.roleRef = { kind: 'Role', name: 'b', apiGroup: 'rbac.authorization.k8s.io' }),
      'cannot change roleRef',
    ],
    [
      'Service',
      'change its address',
      stored('Service', '{metadata: {name: s}, spec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}}'),
      ({ spec }) => (spec.clusterIP = '10.96.0.10'),
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.10"]: may not change once set',
    ],
    [
      'Service',
      'leave its address out',
      stored('Service', '{metadata: {name: s}, spec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}}'),
      ({ spec }) => {
        delete spec.clusterIP
        delete spec.clusterIPs
      },
      '',
    ],
    [
      'Job',
      'change its parallelism',
      stored(
        'Job',
        '{apiVersion: batch/v1, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}',
      ),
      ({ spec }) => (spec.parallelism = 3),
      '',
    ],
    [
      'Job',
      'change its completions',
      stored(
        'Job',
        '{apiVersion: batch/v1, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}',
      ),
      ({ spec }) => (spec.completions = 3),
      'spec.completions: Invalid value: 3: field is immutable',
    ],
  ])('a %s may or may not %s', (kind, _, old, change, complaint) => {
    const { errors } = update(kind, old, change)
    if (complaint) expect(errors.join('\n')).toContain(complaint)
    else expect(errors).toEqual([])
  })

  test('new finalizers cannot join an object on its way out', () => {
    const leaving = stored('ConfigMap', '{metadata: {name: c, finalizers: [a.b/c]}}')
    leaving.metadata.deletionTimestamp = '2026-01-01T00:00:00Z'
    const { errors } = update('ConfigMap', leaving, ({ metadata }) => (metadata.finalizers = ['a.b/c', 'd.e/f']))
    expect(errors).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"d.e/f"}',
    ])
  })
})
