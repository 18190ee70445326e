import { describe, expect, test } from 'vitest'
import type { CoreEvent, Pod } from '../../api/generated/types.ts'
import { whyNoPods, whyNotReady, whyUnbound } from './why-not-ready.ts'

const now = new Date('2026-01-01T00:01:00Z')
const at = '2026-01-01T00:00:40Z'
const event = (reason: string, message: string, name = 'web'): CoreEvent =>
  ({ type: 'Warning', reason, message, lastTimestamp: at, involvedObject: { name }, metadata: { name: 'e' } }) as CoreEvent
const pod = (status: object, spec: object = {}): Pod =>
  ({ metadata: { name: 'web', namespace: 'shop' }, spec: { containers: [{ name: 'c' }], ...spec }, status }) as unknown as Pod
const waiting = (name: string, reason: string, message?: string) => ({
  name,
  ready: false,
  state: { waiting: { reason, message } },
})

describe('a pod that has its node and is not ready', () => {
  test.each<[string, Pod, CoreEvent[], string]>([
    [
      'an image that cannot be had',
      pod({ containerStatuses: [waiting('c', 'ImagePullBackOff', 'Back-off pulling image "x"')] }),
      [],
      'its container c waits: ImagePullBackOff: Back-off pulling image "x"',
    ],
    [
      'an init container that runs',
      pod({
        initContainerStatuses: [{ name: 'i', ready: false, state: { running: { startedAt: at } } }],
        containerStatuses: [waiting('c', 'PodInitializing')],
      }),
      [],
      'its init container i runs since 20s and is not ready; what comes after it waits for it',
    ],
    [
      'a volume that cannot be mounted',
      pod({ containerStatuses: [waiting('c', 'ContainerCreating')] }),
      [event('FailedMount', 'configmaps "x" not found')],
      'its container c waits: ContainerCreating\n  FailedMount 20s ago: configmaps "x" not found',
    ],
    [
      'a container that ends again and again',
      pod({
        containerStatuses: [
          { ...waiting('c', 'CrashLoopBackOff'), restartCount: 3, lastState: { terminated: { exitCode: 1, reason: 'Error' } } },
        ],
      }),
      [],
      'its container c waits: CrashLoopBackOff (it ended with exit code 1, Error; 3 restarts)\n' +
        "  'kubelab logs web -n shop -c c --previous' shows what it wrote before it ended",
    ],
    [
      'an image of a registry that cannot be reached',
      pod({ containerStatuses: [waiting('c', 'ImagePullBackOff', 'dial tcp: network is unreachable')] }),
      [],
      'its container c waits: ImagePullBackOff: dial tcp: network is unreachable\n' +
        "  its node reaches no registry: 'kubelab image load FILE.tar' brings images to a lab, and one made by 'kubelab up --internet' pulls them",
    ],
    [
      'a gate of its readiness',
      pod({ containerStatuses: [] }, { readinessGates: [{ conditionType: 'example.com/ok' }] }),
      [],
      'nobody has said that its condition example.com/ok is true (readinessGates)',
    ],
    [
      'an eviction',
      pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
      [],
      'It has failed: Evicted: The node was low on resource: memory.',
    ],
  ])('tells of %s', (_, one, events, line) => {
    expect(whyNotReady(one, events, now)).toBe(`It is not ready:\n  ${line}`)
  })

  test.each([pod({ phase: 'Succeeded' }), pod({ conditions: [{ type: 'Ready', status: 'True' }] })])(
    'has nothing to say of one that is as it should be',
    (one) => expect(whyNotReady(one, [event('Old', 'trouble')], now)).toBe(''),
  )
})

test('a claim that is not bound has its own story', () => {
  expect(whyUnbound('data', [event('ProvisioningFailed', 'no such class')], now)).toBe(
    'Its claim data is not bound.\n  ProvisioningFailed 20s ago: no such class',
  )
})

test('a workload without pods tells what creating them was refused for', () => {
  const refusal = event('FailedCreate', 'Error creating: exceeded quota', 'web-5d4f')
  expect(whyNoPods('deployment/web', 'web', [event('FailedCreate', 'of another', 'db'), refusal], now)).toBe(
    'No pods of deployment/web: they cannot be created.\n\n  FailedCreate 20s ago: Error creating: exceeded quota',
  )
  expect(whyNoPods('deployment/web', 'web', [], now)).toBeNull()
})
