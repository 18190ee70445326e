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

test.each<[string, Parameters<typeof toSchedulerConfig>[0], string]>([
  [
    'a plugin that does not exist',
    { profiles: [{ plugins: { score: { enabled: [{ name: 'Nope' }] } } }] },
    'initializing profiles: creating profile for scheduler name default-scheduler: ScorePlugin "Nope" does not exist',
  ],
  [
    'no way to bind',
    { profiles: [{ plugins: { bind: { disabled: [{ name: '*' }] } } }] },
    'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
  ],
  [
    'a field that nobody reads',
    { profiles: [{ plugin: {} } as never] },
    'strict decoding error: unknown field "profiles[0].plugin"',
  ],
  [
    'an argument that nobody reads',
    { profiles: [{ pluginConfig: [{ name: 'NodeResourcesFit', args: { strategy: {} } }] }] },
    'decoding .profiles[0].pluginConfig[0]: decoding args for plugin NodeResourcesFit: strict decoding error: unknown field "strategy"',
  ],
  [
    'two profiles of one name, and a share beyond all',
    { percentageOfNodesToScore: 101, profiles: [{}, { schedulerName: 'default-scheduler' }] },
    '[percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100], profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"]',
  ],
  [
    'a backoff that shrinks',
    { podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 1 },
    'podMaxBackoffSeconds: Invalid value: 1: must be greater than or equal to PodInitialBackoffSeconds',
  ],
  [
    'a weight beyond the range',
    { profiles: [{ pluginConfig: [{ name: 'InterPodAffinity', args: { hardPodAffinityWeight: 101 } }] }] },
    'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
  ],
  [
    'a shape that is missing',
    {
      profiles: [
        { pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'RequestedToCapacityRatio' } } }] },
      ],
    },
    'requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio',
  ],
  [
    'constraints beside those of the system',
    { profiles: [{ pluginConfig: [{ name: 'PodTopologySpread', args: { defaultConstraints: [{ maxSkew: 0 }] } }] }] },
    'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
  ],
])('%s is refused as upstream refuses it', (_, file, message) => {
  expect(() => toSchedulerConfig(file)).toThrow(message)
})

test('a profile may name its plugins one by one', () => {
  const plugins = {
    multiPoint: { disabled: [{ name: '*' }] },
    queueSort: { enabled: [{ name: 'PrioritySort' }] },
    filter: { enabled: [{ name: 'NodeResourcesFit' }] },
    bind: { enabled: [{ name: 'DefaultBinder' }] },
  }
  const [profile] = toSchedulerConfig({ profiles: [{ plugins }] }).profiles
  expect(profile!.plugins.map(({ plugin }) => plugin.name)).toEqual(['PrioritySort', 'NodeResourcesFit', 'DefaultBinder'])
  const fit = profile!.plugins[1]!.plugin
  expect([fit.preFilter, fit.preScore].map((method) => method !== undefined)).toEqual([true, false])
})

test('a plugin that is enabled anew weighs 1 unless it says otherwise', () => {
  const plugins = { multiPoint: { enabled: [{ name: 'TaintToleration' }] } }
  const [profile] = toSchedulerConfig({ profiles: [{ plugins }] }).profiles
  expect(profile!.plugins.find(({ plugin }) => plugin.name === 'TaintToleration')!.weight).toBe(1)
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
