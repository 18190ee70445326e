import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Pod, ResourceRequirements } from '../api/generated/types.ts'
import { createCgroups } from './cgroups.ts'

let mountPoint: string
beforeEach(() => {
  mountPoint = mkdtempSync(path.join(tmpdir(), 'cgroups-'))
})
afterEach(() => rmSync(mountPoint, { recursive: true }))

const pod = (resources: ResourceRequirements): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u1' },
  spec: { containers: [{ name: 'main', resources }] },
})
const limits = { cpu: '500m', memory: '64Mi' }
const read = (file: string) => readFileSync(path.join(mountPoint, file), 'utf8').trim()
const put = (file: string, text: string) => {
  mkdirSync(path.dirname(path.join(mountPoint, file)), { recursive: true })
  writeFileSync(path.join(mountPoint, file), text)
}

describe('cgroups of version 2', () => {
  beforeEach(() => put('cgroup.controllers', 'cpuset cpu io memory hugetlb pids'))

  it('of a pod have its limits, and every group above hands its controllers on', () => {
    createCgroups('/lab/node-1', { mountPoint, podMaxPids: 100 }).create(pod({ limits }))
    const group = 'lab/node-1/kubepods/podu1'
    expect([
      read(`${group}/cpu.weight`),
      read(`${group}/cpu.max`),
      read(`${group}/memory.max`),
      read(`${group}/pids.max`),
    ]).toEqual(['20', '50000 100000', String(64 << 20), '100'])
    for (const above of ['', 'lab', 'lab/node-1', 'lab/node-1/kubepods'])
      expect(read(`${above}/cgroup.subtree_control`)).toBe('+cpu +memory +pids')
  })

  it('have no file for a limit that the pod does not have', () => {
    createCgroups('/', { mountPoint }).create(pod({ requests: { cpu: '1' } }))
    expect(read('kubepods/burstable/podu1/cpu.weight')).toBe('39')
    expect(() => read('kubepods/burstable/podu1/cpu.max')).toThrow('ENOENT')
    expect(() => read('kubepods/burstable/podu1/memory.max')).toThrow('ENOENT')
  })

  it('are only raised before a resize, and lowered after it', () => {
    const cgroups = createCgroups('/', { mountPoint })
    cgroups.create(pod({ limits }))
    const smaller = pod({ limits: { cpu: '250m', memory: '128Mi' } })
    cgroups.raise(smaller)
    expect([read('kubepods/podu1/cpu.max'), read('kubepods/podu1/memory.max')]).toEqual(['50000 100000', String(128 << 20)])
    cgroups.create(smaller)
    expect(read('kubepods/podu1/cpu.max')).toBe('25000 100000')
  })

  it('hand on only what is missing', () => {
    put('kubepods/cgroup.subtree_control', 'cpu memory')
    createCgroups('/', { mountPoint }).create(pod({ limits }))
    expect(read('kubepods/cgroup.subtree_control')).toBe('+pids')
  })

  it('tell what all pods use', () => {
    put('kubepods/cpu.stat', 'usage_usec 2500\nuser_usec 2000\nsystem_usec 500')
    put('kubepods/memory.current', '9000')
    put('kubepods/memory.stat', 'anon 4000\nfile 5000\ninactive_file 3000')
    put('kubepods/podu1/pids.current', '7')
    const cgroups = createCgroups('/', { mountPoint })
    expect(cgroups.usage()).toEqual({ usageCoreNanoSeconds: 2_500_000, usageBytes: 9000, workingSetBytes: 6000, rssBytes: 4000 })
    expect(cgroups.processes(pod({ limits }))).toBe(7)
  })
})

describe('cgroups of version 1', () => {
  beforeEach(() => {
    for (const controller of ['cpu', 'cpuacct', 'memory', 'pids']) mkdirSync(path.join(mountPoint, controller))
    // A mount of version 2 without controllers, beside.
    put('unified/cgroup.controllers', '')
  })

  it('of a pod lie in one tree a controller', () => {
    createCgroups('/', { mountPoint, podMaxPids: 100 }).create(pod({ limits }))
    expect([
      read('cpu/kubepods/podu1/cpu.shares'),
      read('cpu/kubepods/podu1/cpu.cfs_quota_us'),
      read('memory/kubepods/podu1/memory.limit_in_bytes'),
      read('pids/kubepods/podu1/pids.max'),
    ]).toEqual(['512', '50000', String(64 << 20), '100'])
  })

  it('share processor time between classes by what their pods ask for', () => {
    const cgroups = createCgroups('/', { mountPoint })
    cgroups.balance([pod({ requests: { cpu: '500m' } }), pod({ requests: { cpu: '250m' } }), pod({}), pod({ limits })])
    expect([read('cpu/kubepods/burstable/cpu.shares'), read('cpu/kubepods/besteffort/cpu.shares')]).toEqual(['768', '2'])
  })

  it('bound all pods together', () => {
    createCgroups('/', { mountPoint }).limitAll({ cpuMilli: 1500, memoryBytes: 2 ** 30 })
    expect([read('cpu/kubepods/cpu.shares'), read('memory/kubepods/memory.limit_in_bytes')]).toEqual(['1536', String(2 ** 30)])
  })

  it('tell what all pods use', () => {
    put('cpuacct/kubepods/cpuacct.usage', '2500000')
    put('memory/kubepods/memory.usage_in_bytes', '9000')
    put('memory/kubepods/memory.stat', 'total_rss 4000\ntotal_inactive_file 3000')
    const usage = { usageCoreNanoSeconds: 2_500_000, usageBytes: 9000, workingSetBytes: 6000, rssBytes: 4000 }
    expect(createCgroups('/', { mountPoint }).usage()).toEqual(usage)
  })
})
