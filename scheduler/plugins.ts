/** Every scheduler plugin, in the order in which filters are asked, with the weight of its scores: one line each. */
import type { SchedulerPlugin, WeightedPlugin } from './framework.ts'
import { defaultBinder } from './plugins/default-binder.ts'
import { createDefaultPreemption, type PreemptionArguments } from './plugins/default-preemption.ts'
import { dynamicResources } from './plugins/dynamic-resources.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { createInterPodAffinity, type InterPodAffinityArguments } from './plugins/inter-pod-affinity.ts'
import { createNodeAffinity, type NodeAffinityArguments } from './plugins/node-affinity.ts'
import { nodeName } from './plugins/node-name.ts'
import { nodePorts } from './plugins/node-ports.ts'
import { createBalancedAllocation, type BalancedAllocationArguments } from './plugins/node-resources-balanced-allocation.ts'
import { createNodeResourcesFit, type FitArguments } from './plugins/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable.ts'
import { nodeVolumeLimits } from './plugins/node-volume-limits.ts'
import { createPodTopologySpread, type SpreadArguments } from './plugins/pod-topology-spread.ts'
import { prioritySort } from './plugins/priority-sort.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { taintToleration } from './plugins/taint-toleration.ts'
import { volumeBinding } from './plugins/volume-binding.ts'
import { volumeRestrictions } from './plugins/volume-restrictions.ts'
import { volumeZone } from './plugins/volume-zone.ts'

/** What KubeSchedulerConfiguration may give plugins, by their names. */
export interface PluginArguments {
  DefaultPreemption?: PreemptionArguments | undefined
  NodeAffinity?: NodeAffinityArguments | undefined
  NodeResourcesBalancedAllocation?: BalancedAllocationArguments | undefined
  NodeResourcesFit?: FitArguments | undefined
  PodTopologySpread?: SpreadArguments | undefined
  InterPodAffinity?: InterPodAffinityArguments | undefined
}

const weigh = (plugin: SchedulerPlugin, weight = 0): WeightedPlugin => ({ plugin, weight })

/** Upstream's default set. */
export const createPlugins = (args: PluginArguments = {}): readonly WeightedPlugin[] => [
  weigh(prioritySort),
  weigh(schedulingGates),
  weigh(nodeUnschedulable),
  weigh(nodeName),
  weigh(taintToleration, 3),
  weigh(createNodeAffinity(args.NodeAffinity), 2),
  weigh(nodePorts),
  weigh(createNodeResourcesFit(args.NodeResourcesFit), 1),
  weigh(volumeRestrictions),
  weigh(nodeVolumeLimits),
  weigh(volumeBinding),
  weigh(volumeZone),
  weigh(dynamicResources),
  weigh(createPodTopologySpread(args.PodTopologySpread), 2),
  weigh(createInterPodAffinity(args.InterPodAffinity), 2),
  weigh(createBalancedAllocation(args.NodeResourcesBalancedAllocation), 1),
  weigh(imageLocality, 1),
  weigh(createDefaultPreemption(args.DefaultPreemption)),
  weigh(defaultBinder),
]
