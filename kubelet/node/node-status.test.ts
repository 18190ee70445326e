import { expect, test } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { planAdmission } from '../admission.ts'
import { computeAllocatable, computeNodeStatus, type MachineFacts } from './node-status.ts'

const machine: MachineFacts = {
  architecture: 'amd64',
  bootId: 'b',
  machineId: 'm',
  systemUuid: 's',
  kernelVersion: '6',
  osImage: 'Linux',
  cpus: 2,
  memoryBytes: 2 ** 31,
  diskBytes: 2 ** 34,
  hugePages: {},
  appArmor: false,
}
const input = {
  nodeName: 'n',
  nodeIps: [],
  maxPods: 110,
  port: 10250,
  machine,
  runtime: { version: 'containerd://1', problems: [] },
  images: [],
  reserved: {},
  version: 'v1',
}

test('what others advertise in the capacity of the node stays, and pods may be given it', () => {
  const { capacity, allocatable } = computeNodeStatus(input, { capacity: { cpu: '64', 'example.com/gpu': '3' } }, new Date(0))
  expect(capacity).toMatchObject({ cpu: '2', 'example.com/gpu': '3' })
  expect(allocatable).toMatchObject({ cpu: '2', 'example.com/gpu': '3' })
})

test('what is advertised no more is not given', () => {
  const before = { capacity: { cpu: '2' }, allocatable: { cpu: '2', 'example.com/gpu': '3' } }
  expect(computeNodeStatus(input, before, new Date(0)).allocatable).not.toHaveProperty('example.com/gpu')
})

test('a pod is not turned away for a resource that only the scheduler counts', () => {
  const requests = { 'example.com/gpu': '1' }
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', resources: { requests } }] } } as unknown as Pod
  expect(planAdmission(pod, [], computeAllocatable(machine, 110, {}))).toBeUndefined()
})

test('what is reserved is not for pods, and pages that are set aside are no memory', () => {
  const huge = { ...machine, hugePages: { '2Mi': 2 ** 22 } }
  const reserved = { cpu: 250, memory: 2 ** 20, 'ephemeral-storage': 2 ** 30 }
  expect(computeAllocatable(huge, 110, reserved)).toEqual({
    cpu: '1750m',
    'ephemeral-storage': String(15 * 2 ** 30),
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '4096Ki',
    memory: `${2 ** 21 - 2 ** 10 - 2 ** 12}Ki`,
    pods: '110',
  })
})
