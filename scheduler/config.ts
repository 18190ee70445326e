/** KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) as profiles and settings. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { messageOf } from '../api/error-message.ts'
import type { TopologySpreadConstraint } from '../api/generated/types.ts'
import { parseDuration } from '../api/duration.ts'
import { checkConfig } from './check-config.ts'
import type { Profile } from './decide.ts'
import type { SchedulerPlugin } from './framework.ts'
import { createPlugins, type PluginArguments } from './plugins.ts'
import { defaultInterPodAffinityArguments } from './plugins/inter-pod-affinity.ts'
import {
  defaultBalancedAllocationArguments,
  type BalancedAllocationArguments,
} from './plugins/node-resources-balanced-allocation.ts'
import { defaultPreemptionArguments, type PreemptionArguments } from './plugins/default-preemption.ts'
import { defaultFitArguments, type FitArguments } from './plugins/node-resources-fit.ts'
import { systemDefaultConstraints } from './plugins/pod-topology-spread.ts'

export interface SchedulerConfig {
  profiles: Profile[]
  kubeconfig?: string | undefined
  initialBackoffMs?: number | undefined
  maxBackoffMs?: number | undefined
  /** What the file names; the others keep their defaults. */
  leaderElection: {
    leaderElect?: boolean
    leaseDurationMs?: number
    renewDeadlineMs?: number
    retryPeriodMs?: number
    name?: string
    namespace?: string
  }
}

interface PluginSet {
  enabled?: { name: string; weight?: number }[]
  disabled?: { name: string }[]
}

interface File {
  apiVersion?: string
  kind?: string
  clientConnection?: { kubeconfig?: string }
  leaderElection?: {
    leaderElect?: boolean
    leaseDuration?: string
    renewDeadline?: string
    retryPeriod?: string
    resourceName?: string
    resourceNamespace?: string
  }
  percentageOfNodesToScore?: number
  podInitialBackoffSeconds?: number
  podMaxBackoffSeconds?: number
  profiles?: FileProfile[]
  extenders?: unknown[]
}

interface FileProfile {
  schedulerName?: string
  percentageOfNodesToScore?: number
  plugins?: Record<string, PluginSet>
  pluginConfig?: { name: string; args: Record<string, unknown> }[]
}

const apiVersion = 'kubescheduler.config.k8s.io/v1'

export function loadSchedulerConfig(path: string | undefined): SchedulerConfig {
  if (!path) return toSchedulerConfig({})
  const file = parse(readFileSync(path, 'utf8')) as File
  if (file.apiVersion !== apiVersion || file.kind !== 'KubeSchedulerConfiguration') {
    throw new Error(`Cannot use ${path}: it is no ${apiVersion} KubeSchedulerConfiguration`)
  }
  // Pods would go where an extender has a word against them.
  if (file.extenders?.length) throw new Error(`Cannot use ${path}: extenders are not supported`)
  return toSchedulerConfig(file)
}

export function toSchedulerConfig(file: File): SchedulerConfig {
  checkConfig(file)
  const { leaderElection = {} } = file
  const ms = (text: string | undefined) => (text === undefined ? undefined : parseDuration(text))
  return {
    kubeconfig: file.clientConnection?.kubeconfig,
    initialBackoffMs: file.podInitialBackoffSeconds === undefined ? undefined : file.podInitialBackoffSeconds * 1000,
    maxBackoffMs: file.podMaxBackoffSeconds === undefined ? undefined : file.podMaxBackoffSeconds * 1000,
    leaderElection: definedOf({
      leaderElect: leaderElection.leaderElect,
      leaseDurationMs: ms(leaderElection.leaseDuration),
      renewDeadlineMs: ms(leaderElection.renewDeadline),
      retryPeriodMs: ms(leaderElection.retryPeriod),
      name: leaderElection.resourceName,
      namespace: leaderElection.resourceNamespace,
    }),
    profiles: (file.profiles ?? [{}]).map((profile) => toProfile(profile, file.percentageOfNodesToScore)),
  }
}

function toProfile(
  { schedulerName = 'default-scheduler', percentageOfNodesToScore, plugins = {}, pluginConfig = [] }: FileProfile,
  percentageOfAll = 0,
): Profile {
  const volumeBinding = pluginConfig.find(({ name }) => name === 'VolumeBinding')?.args as
    | { bindTimeoutSeconds?: number }
    | undefined
  const seconds = volumeBinding?.bindTimeoutSeconds
  try {
    return {
      schedulerName,
      percentageOfNodesToScore: percentageOfNodesToScore ?? percentageOfAll,
      plugins: choosePlugins(plugins, toArguments(pluginConfig), schedulerName),
      volumesTimeoutMs: seconds === undefined ? undefined : seconds * 1000,
    }
  } catch (error) {
    const why = messageOf(error)
    throw new Error(`initializing profiles: creating profile for scheduler name ${schedulerName}: ${why}`)
  }
}

/** What a configuration calls an extension point, and the methods that serve it. */
const extensionPoints: Record<string, readonly (keyof SchedulerPlugin)[]> = {
  preEnqueue: ['preEnqueue'],
  preFilter: ['preFilter'],
  filter: ['preFilter'],
  postFilter: ['postFilter'],
  preScore: ['preScore'],
  score: ['preScore'],
  reserve: ['reserve', 'unreserve'],
  permit: ['permit'],
  preBind: ['preBind'],
  bind: ['bind'],
  postBind: ['postBind'],
}

/** `disabled` takes a plugin away (`*` all), `enabled` brings it back with its weight: everywhere, or at one extension point. */
function choosePlugins(sets: Record<string, PluginSet>, args: PluginArguments, schedulerName: string): Profile['plugins'] {
  const known = createPlugins(args)
  const names = new Set(known.map(({ plugin }) => plugin.name))
  const { multiPoint = {}, score = {} } = sets
  for (const [point, { enabled = [] }] of Object.entries(sets)) {
    const missing = enabled.find(({ name }) => !names.has(name))
    // Upstream looks for the plugins of all points at that of the first.
    const kind = point === 'multiPoint' ? 'PreFilter' : point[0]!.toUpperCase() + point.slice(1)
    if (missing) throw new Error(`${kind}Plugin "${missing.name}" does not exist`)
  }
  const isDisabled = ({ disabled = [], enabled = [] }: PluginSet, plugin: string) =>
    disabled.some(({ name }) => name === plugin || name === '*') && !enabled.some(({ name }) => name === plugin)
  const weightIn = ({ enabled = [] }: PluginSet, plugin: string) => {
    const found = enabled.find(({ name }) => name === plugin)
    return found && (found.weight || 1)
  }
  const isEnabled = ({ enabled = [] }: PluginSet, plugin: string) => enabled.some(({ name }) => name === plugin)
  /** Named at the point itself, or there by default and not taken away. */
  const serves = (points: readonly string[], plugin: string) => {
    const there = points.map((point) => sets[point] ?? {})
    if (there.some((set) => isDisabled(set, plugin))) return false
    return !isDisabled(multiPoint, plugin) || there.some((set) => isEnabled(set, plugin))
  }
  const restrict = (plugin: SchedulerPlugin): SchedulerPlugin => {
    const kept = Object.entries(plugin).filter(([member]) => {
      const points = Object.keys(extensionPoints).filter((point) => extensionPoints[point]!.some((method) => method === member))
      return points.length === 0 || serves(points, plugin.name)
    })
    return Object.fromEntries(kept) as never
  }
  if (!serves(['queueSort'], 'PrioritySort')) {
    throw new Error(`only one queue sort plugin required for profile with scheduler name "${schedulerName}", but got 0`)
  }
  if (!serves(['bind'], 'DefaultBinder')) {
    throw new Error(`at least one bind plugin is needed for profile with scheduler name "${schedulerName}"`)
  }
  return known
    .filter(
      ({ plugin }) => !isDisabled(multiPoint, plugin.name) || Object.values(sets).some((set) => isEnabled(set, plugin.name)),
    )
    .map(({ plugin, weight }) => ({
      plugin: restrict(plugin),
      weight: isDisabled(score, plugin.name) ? 0 : (weightIn(score, plugin.name) ?? weightIn(multiPoint, plugin.name) ?? weight),
    }))
}

function toArguments(config: readonly { name: string; args: Record<string, unknown> }[]): PluginArguments {
  const argsOf = (plugin: string) => config.find(({ name }) => name === plugin)?.args
  const balanced = argsOf('NodeResourcesBalancedAllocation') as Partial<BalancedAllocationArguments> | undefined
  const preemption = argsOf('DefaultPreemption') as Partial<PreemptionArguments> | undefined
  const fit = argsOf('NodeResourcesFit') as Partial<FitArguments> | undefined
  const affinity = argsOf('InterPodAffinity')
  const spread = argsOf('PodTopologySpread') as
    | { defaultingType?: string; defaultConstraints?: TopologySpreadConstraint[] }
    | undefined
  return {
    DefaultPreemption: preemption && { ...defaultPreemptionArguments, ...preemption },
    NodeAffinity: argsOf('NodeAffinity'),
    NodeResourcesBalancedAllocation: balanced && { ...defaultBalancedAllocationArguments, ...balanced },
    NodeResourcesFit: fit && { ...defaultFitArguments, ...fit, scoringStrategy: toStrategy(fit.scoringStrategy) },
    InterPodAffinity: affinity && { ...defaultInterPodAffinityArguments, ...affinity },
    PodTopologySpread:
      spread?.defaultingType === 'List'
        ? { defaultConstraints: spread.defaultConstraints ?? [], systemDefaulted: false }
        : systemDefaultConstraints,
  }
}

/** What a strategy leaves out is as upstream has it. */
function toStrategy(strategy: Partial<FitArguments['scoringStrategy']> = {}): FitArguments['scoringStrategy'] {
  const { resources = [] } = strategy
  const all = resources.length > 0 ? resources : defaultFitArguments.scoringStrategy.resources
  return {
    ...defaultFitArguments.scoringStrategy,
    ...strategy,
    resources: all.map(({ name, weight }) => ({ name, weight: weight || 1 })),
  }
}

function definedOf<T extends object>(settings: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as never
}
