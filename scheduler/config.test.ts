import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { loadSchedulerConfig, toSchedulerConfig } from './config.ts'

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
