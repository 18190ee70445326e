/** KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) as profiles and settings. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { TopologySpreadConstraint } from '../api/generated/types.ts'
import { parseDuration } from '../api/duration.ts'
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
  leaderElection: {
    leaderElect?: boolean | undefined
    leaseDurationMs?: number | undefined
    renewDeadlineMs?: number | undefined
    retryPeriodMs?: number | undefined
    name?: string | undefined
    namespace?: string | undefined
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
  const { leaderElection = {} } = file
  const ms = (text: string | undefined) => (text === undefined ? undefined : parseDuration(text))
  return {
    kubeconfig: file.clientConnection?.kubeconfig,
    initialBackoffMs: file.podInitialBackoffSeconds === undefined ? undefined : file.podInitialBackoffSeconds * 1000,
    maxBackoffMs: file.podMaxBackoffSeconds === undefined ? undefined : file.podMaxBackoffSeconds * 1000,
    leaderElection: {
      leaderElect: leaderElection.leaderElect,
      leaseDurationMs: ms(leaderElection.leaseDuration),
      renewDeadlineMs: ms(leaderElection.renewDeadline),
      retryPeriodMs: ms(leaderElection.retryPeriod),
      name: leaderElection.resourceName,
      namespace: leaderElection.resourceNamespace,
    },
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
  return {
    schedulerName,
    percentageOfNodesToScore: percentageOfNodesToScore ?? percentageOfAll,
    plugins: choosePlugins(plugins, toArguments(pluginConfig)),
    volumesTimeoutMs: seconds === undefined ? undefined : seconds * 1000,
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
function choosePlugins(sets: Record<string, PluginSet>, args: PluginArguments): Profile['plugins'] {
  const known = createPlugins(args)
  const names = new Set(known.map(({ plugin }) => plugin.name))
  const { multiPoint = {}, score = {} } = sets
  for (const { name } of Object.values(sets).flatMap(({ enabled = [] }) => enabled)) {
    if (!names.has(name)) throw new Error(`Cannot enable plugin ${name}: it does not exist`)
  }
  const isDisabled = ({ disabled = [], enabled = [] }: PluginSet, plugin: string) =>
    disabled.some(({ name }) => name === plugin || name === '*') && !enabled.some(({ name }) => name === plugin)
  const weightIn = ({ enabled = [] }: PluginSet, plugin: string) => enabled.find(({ name }) => name === plugin)?.weight
  const without = (plugin: SchedulerPlugin): SchedulerPlugin => {
    const points = Object.keys(extensionPoints).filter((point) => isDisabled(sets[point] ?? {}, plugin.name))
    const methods = new Set(points.flatMap((point) => extensionPoints[point]!))
    if (methods.size === 0) return plugin
    return Object.fromEntries(Object.entries(plugin).filter(([name]) => !methods.has(name as keyof SchedulerPlugin))) as never
  }
  return known
    .filter(({ plugin }) => !isDisabled(multiPoint, plugin.name))
    .map(({ plugin, weight }) => ({
      plugin: without(plugin),
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
    NodeResourcesFit: fit && { ...defaultFitArguments, ...fit },
    InterPodAffinity: affinity && { ...defaultInterPodAffinityArguments, ...affinity },
    PodTopologySpread:
      spread?.defaultingType === 'List'
        ? { defaultConstraints: spread.defaultConstraints ?? [], systemDefaulted: false }
        : systemDefaultConstraints,
  }
}
