/** Makes the Node object of this machine where there is none, and gives one that is there the labels it lacks. */
import type { Node, NodeStatus, Taint } from '../../api/generated/types.ts'
import { isAlreadyExists, isNotFound } from '../../api/status.ts'
import type { ApiClient } from '../../client/api-client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import { computeNodeLabels, type MachineFacts } from './node-status.ts'

export interface NodeRegistration {
  nodeName: string
  machine: MachineFacts
  nodeLabels: Record<string, string>
  registerWithTaints: readonly string[]
  registerNode: boolean
  podCidr?: string | undefined
  providerId?: string | undefined
  client: ApiClient
  recorder: Pick<EventRecorder, 'event'>
}

/** `firstStatus` is asked for only when the node is made. */
export async function registerNode(options: NodeRegistration, firstStatus: () => Promise<NodeStatus>): Promise<void> {
  const { client, nodeName, machine } = options
  const labels = { ...computeNodeLabels(nodeName, machine.architecture), ...options.nodeLabels }
  const known = (await find(client, nodeName)) ?? (await make(options, labels, firstStatus))
  const missing = Object.entries(labels).filter(([name, value]) => known.metadata.labels?.[name] !== value)
  if (missing.length === 0) return
  await client.patch(
    'Node',
    { name: nodeName },
    { metadata: { labels: Object.fromEntries(missing) } },
    { type: 'application/strategic-merge-patch+json' },
  )
}

async function find(client: ApiClient, name: string): Promise<Node | undefined> {
  try {
    return await client.get('Node', { name })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Somebody else may have made it meanwhile: then it is theirs. */
async function make(
  options: NodeRegistration,
  labels: Record<string, string>,
  firstStatus: () => Promise<NodeStatus>,
): Promise<Node> {
  const { client, nodeName: name, podCidr, providerId } = options
  if (!options.registerNode) throw new Error(`Cannot report node ${name}: it is not registered, and --register-node is false`)
  const spec = {
    ...(podCidr ? { podCIDR: podCidr, podCIDRs: [podCidr] } : {}),
    ...(providerId ? { providerID: providerId } : {}),
    ...(options.registerWithTaints.length > 0 ? { taints: options.registerWithTaints.map(parseTaint) } : {}),
  }
  const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
  const status = await firstStatus()
  try {
    const node = await client.create('Node', { metadata: { name, labels, annotations }, spec, status })
    options.recorder.event(node, 'Normal', 'Starting', 'Starting kubelet.')
    return node
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    return client.get('Node', { name })
  }
}

/** `key=value:Effect` */
function parseTaint(text: string): Taint {
  const [pair = '', effect = 'NoSchedule'] = text.split(':')
  const [key = '', value] = pair.split('=')
  return { key, effect, ...(value ? { value } : {}) }
}
