/** The Node authorizer: a kubelet reads only what the pods on its node need, and writes only what is its own. */
import type { PersistentVolume, Pod } from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import type { ClusterReader } from '../../admission/plugin.ts'
import { NODE_RULES } from '../default-roles/bootstrap-policy.ts'
import { createNodeGraph, referenceTo, type NodeGraph } from './node-graph.ts'
import { ruleAllows } from './rbac-rules.ts'
import { NODES } from '../service-account-user.ts'
import type { Authorizer, Decision, RequestAttributes, UserInfo } from '../user.ts'

export interface NodeAuthorizer extends Authorizer {
  isNode(user: UserInfo): boolean
  onPodChange(pod: KubeObject, deleted: boolean): void
}

const PREFIX = 'system:node:'

/** The node that this user is; '' for one in the nodes' group without a node's name; undefined for everybody else. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.username.startsWith(PREFIX) || !user.groups.includes(NODES)) return undefined
  return user.username.slice(PREFIX.length)
}

/** Null: go on to the static rules. */
type Verdict = string | true | null

const allow: Decision = { allowed: true, reason: '' }

export function createNodeAuthorizer(reader: ClusterReader): NodeAuthorizer {
  const graph = createNodeGraph()
  return {
    isNode: (user) => nodeNameOf(user) !== undefined,
    onPodChange: (pod, deleted) => graph.onPodChange(pod as Pod, deleted),
    authorize(request) {
      const node = nodeNameOf(request.user)
      if (node === undefined) return { allowed: false, reason: '' }
      if (node === '') return { allowed: false, reason: `unknown node for user ${JSON.stringify(request.user.username)}` }
      const verdict = request.isResourceRequest ? judge(node, request, graph, reader) : null
      if (verdict === true) return allow
      if (verdict !== null) return { allowed: false, reason: verdict }
      return NODE_RULES.some((rule) => ruleAllows(rule, request)) ? allow : { allowed: false, reason: '' }
    },
  }
}

type Rule = (node: string, request: RequestAttributes, graph: NodeGraph, reader: ClusterReader) => Verdict

const judge: Rule = (node, request, graph, reader) =>
  RULES[`${request.resource}${request.apiGroup && `.${request.apiGroup}`}`]?.(node, request, graph, reader) ?? null

const unrelated = (node: string) => `no relationship found between node '${node}' and this object`

const isOneOf = (verb: string, ...verbs: string[]): boolean => verbs.includes(verb)

/** Objects that pods name: one at a time, also to watch. */
const readReferenced: Rule = (node, { verb, subresource, namespace, name, resource }, graph, reader) => {
  if (!isOneOf(verb, 'get', 'list', 'watch')) return 'can only read resources of this type'
  if (subresource) return 'cannot read subresource'
  if (!namespace) return 'can only read namespaced object of this type'
  if (!name) return 'No Object name found'
  if (graph.needs(node, referenceTo(resource, namespace, name))) return true
  return resource === 'secrets' && isSecretOfVolume(node, namespace, name, graph, reader) ? true : unrelated(node)
}

const readClaim: Rule = (node, request, graph) => {
  const { verb, subresource, name, namespace } = request
  if (subresource === 'status') {
    if (!isOneOf(verb, 'update', 'patch', 'get')) return 'can only get/update/patch this type'
  } else if (verb !== 'get') return 'can only get individual resources of this type'
  else if (subresource) return 'cannot get subresource'
  if (!name) return 'No Object name found'
  return graph.needs(node, referenceTo('persistentvolumeclaims', namespace, name)) ? true : unrelated(node)
}

const getOnly = (request: RequestAttributes): Verdict => {
  if (request.verb !== 'get') return 'can only get individual resources of this type'
  if (request.subresource) return 'cannot get subresource'
  return request.name ? null : 'No Object name found'
}

const readVolume: Rule = (node, request, graph, reader) => {
  const refused = getOnly(request)
  if (refused !== null) return refused
  const volume = reader.get('PersistentVolume', { name: request.name })
  return volume && isVolumeOf(node, volume, graph) ? true : unrelated(node)
}

function isVolumeOf(node: string, { spec }: PersistentVolume, graph: NodeGraph): boolean {
  const claim = spec?.claimRef
  return Boolean(claim?.name && graph.needs(node, referenceTo('persistentvolumeclaims', claim.namespace ?? '', claim.name)))
}

/** Secrets that a volume's driver needs on the node: found through the claims of its pods, few and seldom asked for. */
function isSecretOfVolume(node: string, namespace: string, name: string, graph: NodeGraph, reader: ClusterReader): boolean {
  for (const reference of graph.references(node, 'persistentvolumeclaims')) {
    const [, claimNamespace = '', claimName = ''] = reference.split('/')
    const volumeName = reader.get('PersistentVolumeClaim', { namespace: claimNamespace, name: claimName })?.spec?.volumeName
    const volume = volumeName ? reader.get('PersistentVolume', { name: volumeName }) : undefined
    if (!volume || !isVolumeOf(node, volume, graph)) continue
    const { csi, cephfs, flexVolume, iscsi, rbd, scaleIO, azureFile } = volume.spec ?? {}
    const secrets = [
      csi?.nodePublishSecretRef,
      csi?.nodeStageSecretRef,
      csi?.nodeExpandSecretRef,
      ...[cephfs, flexVolume, iscsi, rbd, scaleIO].map((source) => source?.secretRef),
      azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
    ]
    if (secrets.some((secret) => secret?.name === name && (secret.namespace ?? claimNamespace) === namespace)) return true
  }
  return false
}

const readAttachment: Rule = (node, request, _graph, reader) => {
  const refused = getOnly(request)
  if (refused !== null) return refused
  return reader.get('VolumeAttachment', { name: request.name })?.spec.nodeName === node ? true : unrelated(node)
}

const createToken: Rule = (node, { verb, subresource, namespace, name }, graph) => {
  if (verb !== 'create' || !name) return 'can only create tokens for individual service accounts'
  if (subresource !== 'token') return 'can only create token subresource of serviceaccount'
  return graph.needs(node, referenceTo('serviceaccounts', namespace, name)) ? true : unrelated(node)
}

const WRITE_OWN = new Set(['get', 'create', 'update', 'patch', 'delete'])

/** On create the name is in the body: NodeRestriction checks it. */
const ownLease: Rule = (node, { verb, namespace, name }) => {
  if (!WRITE_OWN.has(verb)) return 'can only get, create, update, patch, or delete a node lease'
  if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
  return verb === 'create' || name === node ? true : 'can only access node lease with the same name as the requesting node'
}

const ownCsiNode: Rule = (node, { verb, subresource, name }) => {
  if (!WRITE_OWN.has(verb)) return 'can only get, create, update, patch, or delete a CSINode'
  if (subresource) return 'cannot authorize CSINode subresources'
  return verb === 'create' || name === node ? true : 'can only access CSINode with the same name as the requesting node'
}

/** Pods are read one by one, or all that `spec.nodeName` binds here; writes go on to the static rules and NodeRestriction. */
const readPods: Rule = (node, { verb, subresource, namespace, name, fieldSelector }, graph) => {
  if (subresource || !isOneOf(verb, 'get', 'list', 'watch')) return null
  if (name) return graph.needs(node, referenceTo('pods', namespace, name)) ? true : unrelated(node)
  if (fieldSelector === undefined || selects(fieldSelector, 'spec.nodeName', node)) return null
  return 'can only list/watch pods with spec.nodeName field selector'
}

const readNodes: Rule = (node, { verb, subresource, name, fieldSelector }) => {
  if (subresource || !isOneOf(verb, 'get', 'list', 'watch')) return null
  if (name === node) return true
  if (name) return `node '${node}' cannot read '${name}', only its own Node object`
  if (fieldSelector === undefined) return null
  return `node '${node}' cannot read all nodes, only its own Node object`
}

function selects(fieldSelector: string, field: string, value: string): boolean {
  return fieldSelector.split(',').some((term) => term === `${field}=${value}` || term === `${field}==${value}`)
}

const RULES: Record<string, Rule> = {
  secrets: readReferenced,
  configmaps: readReferenced,
  persistentvolumeclaims: readClaim,
  persistentvolumes: readVolume,
  'volumeattachments.storage.k8s.io': readAttachment,
  serviceaccounts: createToken,
  'leases.coordination.k8s.io': ownLease,
  'csinodes.storage.k8s.io': ownCsiNode,
  'resourceclaims.resource.k8s.io': (node, request, graph) =>
    getOnly(request) ??
    (graph.needs(node, referenceTo('resourceclaims', request.namespace, request.name)) ? true : unrelated(node)),
  pods: readPods,
  nodes: readNodes,
}
