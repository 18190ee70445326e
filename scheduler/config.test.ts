import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { createCache } from '../client/shared-informers.ts'
import { loadSchedulerConfig, toSchedulerConfig } from './config.ts'
import { createPodInfo } from './pod-info.ts'
import { createSnapshot } from './snapshot.ts'
import { makeNode, makePod } from './testing.ts'

test('a configuration file makes profiles with their own plugins and weights', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'scheduler-config-'))
  const file = path.join(folder, 'config.yaml')
  writeFileSync(
    file,
    `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
percentageOfNodesToScore: 40
podMaxBackoffSeconds: 3
leaderElection: { leaderElect: false, leaseDuration: 30s }
profiles:
- schedulerName: default-scheduler
- schedulerName: packing
  plugins:
    score:
      disabled: [{ name: NodeResourcesBalancedAllocation }]
      enabled: [{ name: NodeResourcesFit, weight: 7 }]
    multiPoint:
      disabled: [{ name: InterPodAffinity }]
  pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy: { type: MostAllocated, resources: [{ name: cpu, weight: 1 }] }
`,
  )
  const config = loadSchedulerConfig(file)
  rmSync(folder, { recursive: true })
  expect(config.leaderElection).toMatchObject({ leaderElect: false, leaseDurationMs: 30_000 })
  expect(config.maxBackoffMs).toBe(3000)
  const [standard, packing] = config.profiles
  expect(standard!.percentageOfNodesToScore).toBe(40)
  const weightOf = (name: string) => packing!.plugins.find(({ plugin }) => plugin.name === name)?.weight
  expect(weightOf('NodeResourcesFit')).toBe(7)
  expect(weightOf('NodeResourcesBalancedAllocation')).toBe(0)
  expect(weightOf('InterPodAffinity')).toBeUndefined()
  expect(standard!.plugins.map(({ plugin }) => plugin.name)).toContain('InterPodAffinity')
})

test('a plugin that does not exist cannot be enabled', () => {
  const profiles = [{ plugins: { multiPoint: { enabled: [{ name: 'Nope' }] } } }]
  expect(() => toSchedulerConfig({ profiles })).toThrow('Cannot enable plugin Nope: it does not exist')
})

test('one extension point of a plugin can be disabled, and all of a point', () => {
  const plugins = {
    postFilter: { disabled: [{ name: '*' }] },
    preScore: { disabled: [{ name: 'TaintToleration' }] },
  }
  const [profile] = toSchedulerConfig({ profiles: [{ plugins }] }).profiles
  const find = (name: string) => profile!.plugins.find(({ plugin }) => plugin.name === name)!.plugin
  expect(find('DefaultPreemption').postFilter).toBeUndefined()
  expect(find('TaintToleration').preScore).toBeUndefined()
  expect(find('TaintToleration').preFilter).toBeDefined()
})

test('the affinity that a profile adds holds for every pod', () => {
  const term = { matchExpressions: [{ key: 'pool', operator: 'In', values: ['batch'] }] }
  const addedAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } }
  const pluginConfig = [{ name: 'NodeAffinity', args: { addedAffinity } }]
  const [profile] = toSchedulerConfig({ profiles: [{ pluginConfig }] }).profiles
  const { plugin } = profile!.plugins.find((each) => each.plugin.name === 'NodeAffinity')!
  const snapshot = createSnapshot(createCache(() => undefined))
  snapshot.setNode(makeNode('plain'))
  snapshot.setNode(makeNode('batch', { labels: { pool: 'batch' } }))
  const prepared = plugin.preFilter!(createPodInfo(makePod('p')), snapshot)
  const reasonsOf = (name: string) => (prepared && 'check' in prepared ? prepared.check(snapshot.node(name)!) : null)?.reasons
  expect(reasonsOf('plain')).toEqual(["node(s) didn't match scheduler-enforced node affinity"])
  expect(reasonsOf('batch')).toBeUndefined()
})

test('arguments of plugins are taken', () => {
  const pluginConfig = [{ name: 'VolumeBinding', args: { bindTimeoutSeconds: 5 } }]
  expect(toSchedulerConfig({ profiles: [{ pluginConfig }] }).profiles[0]!.volumesTimeoutMs).toBe(5000)
})
