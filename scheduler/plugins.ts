/** Every scheduler plugin, in the order in which filters are asked, with the weight of its scores: one line each. */
import type { SchedulerPlugin, WeightedPlugin } from './framework.ts'
import { dynamicResources } from './plugins/dynamic-resources.ts'
import { imageLocality } from './plugins/image-locality.ts'
import { createInterPodAffinity, type InterPodAffinityArguments } from './plugins/inter-pod-affinity.ts'
import { nodeAffinity } from './plugins/node-affinity.ts'
import { nodeName } from './plugins/node-name.ts'
import { nodePorts } from './plugins/node-ports.ts'
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation.ts'
import { createNodeResourcesFit, type FitArguments } from './plugins/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable.ts'
import { nodeVolumeLimits } from './plugins/node-volume-limits.ts'
import { createPodTopologySpread, type SpreadArguments } from './plugins/pod-topology-spread.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { taintToleration } from './plugins/taint-toleration.ts'
import { volumeBinding } from './plugins/volume-binding.ts'
import { volumeRestrictions } from './plugins/volume-restrictions.ts'
import { volumeZone } from './plugins/volume-zone.ts'

/** What KubeSchedulerConfiguration may give plugins, by their names. */
export interface PluginArguments {
  NodeResourcesFit?: FitArguments | undefined
  PodTopologySpread?: SpreadArguments | undefined
  InterPodAffinity?: InterPodAffinityArguments | undefined
}

const weigh = (plugin: SchedulerPlugin, weight = 0): WeightedPlugin => ({ plugin, weight })

/**
 * Upstream's default set. PrioritySort orders the queue (queue.ts), DefaultPreemption comes after a failure and
 * DefaultBinder after a decision (schedule-one.ts): there is one of each.
 */
export const createPlugins = (args: PluginArguments = {}): readonly WeightedPlugin[] => [
  weigh(schedulingGates),
  weigh(nodeUnschedulable),
  weigh(nodeName),
  weigh(taintToleration, 3),
  weigh(nodeAffinity, 2),
  weigh(nodePorts),
  weigh(createNodeResourcesFit(args.NodeResourcesFit), 1),
  weigh(volumeRestrictions),
  weigh(nodeVolumeLimits),
  weigh(volumeBinding),
  weigh(volumeZone),
  weigh(dynamicResources),
  weigh(createPodTopologySpread(args.PodTopologySpread), 2),
  weigh(createInterPodAffinity(args.InterPodAffinity), 2),
  weigh(nodeResourcesBalancedAllocation, 1),
  weigh(imageLocality, 1),
]
