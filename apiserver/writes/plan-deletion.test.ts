import { expect, test } from 'vitest'
import type { ObjectMeta } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { DeleteOptions } from './delete-options.ts'
import { planDeletion } from './plan-deletion.ts'
import type { ResourceDefinition } from '../resources/resource.ts'

const NOW = new Date('2026-01-01T00:01:00Z')
const names = { group: '', plural: 'pods', kind: 'Pod' } as ResourceDefinition['names']
const atOnce: ResourceDefinition = { names, models: {} }
const graceful: ResourceDefinition = { names, models: {}, gracePeriodSeconds: (_object, asked) => asked ?? 30 }
const none: DeleteOptions = { gracePeriodSeconds: undefined, propagationPolicy: undefined, preconditions: {}, dryRun: false }
const object = (metadata: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', uid: 'u', resourceVersion: '7', generation: 1, ...metadata },
})
const marked = { deletionTimestamp: '2026-01-01T00:01:30Z', deletionGracePeriodSeconds: 30 }

test.each([
  ['without finalizers or grace goes now', atOnce, object(), none, { do: 'remove' }],
  [
    'with a finalizer waits for it',
    atOnce,
    object({ finalizers: ['x'] }),
    none,
    {
      do: 'mark',
      object: { metadata: { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 0, generation: 2 } },
    },
  ],
  ['with a grace is marked with its end', graceful, object(), none, { do: 'mark', object: { metadata: marked } }],
  ['with a grace of zero goes now', graceful, object(), { ...none, gracePeriodSeconds: 0 }, { do: 'remove' }],
  ['whose grace runs is left alone', graceful, object(marked), none, { do: 'wait' }],
  ['whose grace runs is not given a longer one', graceful, object(marked), { ...none, gracePeriodSeconds: 60 }, { do: 'wait' }],
  ['whose grace runs may be hurried', graceful, object(marked), { ...none, gracePeriodSeconds: 0 }, { do: 'remove' }],
  [
    'hurried, counts from when the grace began',
    graceful,
    object(marked),
    { ...none, gracePeriodSeconds: 10 },
    {
      do: 'mark',
      object: { metadata: { deletionTimestamp: '2026-01-01T00:01:10Z', deletionGracePeriodSeconds: 10, generation: 1 } },
    },
  ],
  [
    'in the foreground waits for the garbage collector',
    atOnce,
    object(),
    { ...none, propagationPolicy: 'Foreground' },
    { do: 'mark', object: { metadata: { finalizers: ['foregroundDeletion'] } } },
  ],
  [
    'that orphans replaces the other finalizer of the kind',
    atOnce,
    object({ finalizers: ['foregroundDeletion', 'x'] }),
    { ...none, propagationPolicy: 'Orphan' },
    { do: 'mark', object: { metadata: { finalizers: ['x', 'orphan'] } } },
  ],
  [
    'in the background drops the finalizers of the policies',
    atOnce,
    object({ finalizers: ['orphan'] }),
    { ...none, propagationPolicy: 'Background' },
    { do: 'remove' },
  ],
] as const)('an object %s', (_what, definition, old, options, expected) => {
  const before = structuredClone(old)
  expect(planDeletion(definition, old, options as DeleteOptions, NOW)).toMatchObject(expected)
  expect(old).toEqual(before)
})

test.each([
  [
    { uid: 'other' },
    'on Pod "p": the UID in the precondition (other) does not match the UID in record (u). The object might have been',
  ],
  [
    { resourceVersion: '6' },
    'the ResourceVersion in the precondition (6) does not match the ResourceVersion in record (7). The object might have been',
  ],
])('a precondition %o that does not hold is a conflict', (preconditions, message) => {
  expect(() => planDeletion(atOnce, object(), { ...none, preconditions }, NOW)).toThrow(message)
})

test.each([
  [{ uid: 'other' }, 'on namespaces "p": Precondition failed: UID in precondition: other, UID in object meta: u'],
  [
    { resourceVersion: '6' },
    'on namespaces "p": Precondition failed: ResourceVersion in precondition: 6, ResourceVersion in object meta: 7',
  ],
])('of a namespace too, in the words of writes: %o', (preconditions, message) => {
  const namespace: ResourceDefinition = { names: { ...names, kind: 'Namespace', plural: 'namespaces' }, models: {} }
  expect(() => planDeletion(namespace, object(), { ...none, preconditions }, NOW)).toThrow(message)
})

test('a namespace is marked first and goes when nothing holds it', () => {
  const namespace: ResourceDefinition = { names: { ...names, kind: 'Namespace', plural: 'namespaces' }, models: {} }
  const held = { ...object(), kind: 'Namespace', spec: { finalizers: ['kubernetes'] } } as KubeObject
  const plan = planDeletion(namespace, held, none, NOW)
  expect(plan).toMatchObject({ do: 'mark', object: { status: { phase: 'Terminating' } } })
  const dying = (plan as { object: KubeObject }).object
  expect(planDeletion(namespace, dying, none, NOW)).toEqual({ do: 'wait' })
  expect(planDeletion(namespace, { ...dying, spec: {} } as KubeObject, none, NOW)).toEqual({ do: 'remove' })
})
