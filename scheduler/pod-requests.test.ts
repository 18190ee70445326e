import { describe, expect, test } from 'vitest'
import type { Container, Pod } from '../api/generated/types.ts'
import { computeNonZeroRequests, computePodRequests } from './pod-requests.ts'
import { makePod } from './testing.ts'
import { trimForScheduling } from './trim-objects.ts'

const container = (name: string, cpu?: string, restartPolicy?: string): Container => ({
  name,
  image: 'i',
  ...(cpu ? { resources: { requests: { cpu } } } : {}),
  ...(restartPolicy ? { restartPolicy } : {}),
})
const pod = (spec: Partial<Pod['spec']>, status?: Pod['status']): Pod => {
  const base = makePod('p')
  return { ...base, spec: { ...base.spec, ...spec }, ...(status ? { status } : {}) }
}

const cases: [string, Pod, number][] = [
  ['containers add up', pod({ containers: [container('a', '1'), container('b', '500m')] }), 1500],
  [
    'the largest init container counts when it is more',
    pod({ containers: [container('a', '1')], initContainers: [container('i', '3'), container('j', '2')] }),
    3000,
  ],
  ['sidecars run beside all', pod({ containers: [container('a', '1')], initContainers: [container('s', '1', 'Always')] }), 2000],
  [
    'an init container runs beside the sidecars before it',
    pod({ containers: [container('a', '1')], initContainers: [container('s', '1', 'Always'), container('i', '2')] }),
    3000,
  ],
  ['overhead comes on top', pod({ containers: [container('a', '1')], overhead: { cpu: '250m' } }), 1250],
  ['requests of the whole pod win', pod({ containers: [container('a', '1')], resources: { requests: { cpu: '4' } } }), 4000],
]

describe('requests of a pod', () => {
  test.each(cases)('%s', (_, given, milliCpu) => expect(computePodRequests(given).milliCpu).toBe(milliCpu))

  test('a container that shrinks holds what it had until the kubelet has taken it away', () => {
    const status = (cpu: string) => ({
      containerStatuses: [{ name: 'a', image: 'i', imageID: '', ready: true, restartCount: 0, allocatedResources: { cpu } }],
    })
    const shrinking = trimForScheduling.Pod(pod({ containers: [container('a', '1')] }, status('2')))
    expect(computePodRequests(shrinking).milliCpu).toBe(2000)
    const shrunk = trimForScheduling.Pod(pod({ containers: [container('a', '1')] }, status('1')))
    expect(computePodRequests(shrunk).milliCpu).toBe(1000)
    expect(shrunk.status?.containerStatuses).toBeUndefined()
  })

  test('what asks for nothing still weighs something when nodes are compared', () => {
    expect(computeNonZeroRequests(pod({ containers: [container('a')] }))).toMatchObject({
      milliCpu: 100,
      memory: 200 * 1024 * 1024,
    })
    expect(computePodRequests(pod({ containers: [container('a')] }))).toMatchObject({ milliCpu: 0, memory: 0 })
  })
})
