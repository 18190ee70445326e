/** NodeRestriction: a kubelet writes its own node, the pods bound to it, and tokens for those pods; nothing else. */
import type {
  AuthenticationTokenRequest,
  CertificateSigningRequest,
  Node,
  OwnerReference,
  PersistentVolumeClaim,
  Pod,
  ResourceSlice,
} from '../../../api/generated/types.ts'
import { notFound, type ApiError } from '../../../api/status.ts'
import { nodeNameOf } from '../../auth/authorization/node-authorizer.ts'
import { referencesOf } from '../../auth/authorization/node-graph.ts'
import type { Authorizer } from '../../auth/user.ts'
import { sameJson } from '../../resources/rules/same-json.ts'
import { commonNamesIn } from '../certificate-request.ts'
import { mayNodeSetLabel } from './node-labels.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../plugin.ts'
import { refuse } from '../refuse.ts'

const MIRROR = 'kubernetes.io/config.mirror'
const q = (text: string): string => JSON.stringify(text)

/** Why this node may not do it: a sentence, an error that stands as it is, or null when it may. */
type Judge = (
  node: string,
  attributes: AdmissionAttributes,
  reader: ClusterReader,
  authorizer: Authorizer,
) => string | ApiError | null

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  handles: (attributes) => attributes.operation !== 'CONNECT' && nodeNameOf(attributes.user) !== undefined,
  admit(attributes, { reader, authorizer }) {
    const node = nodeNameOf(attributes.user)
    if (node === undefined) return
    if (node === '') throw refuse(attributes, `could not determine node from user ${q(attributes.user.username)}`)
    const key = attributes.group ? `${attributes.resource}.${attributes.group}` : attributes.resource
    const verdict = JUDGES[key]?.(node, attributes, reader, authorizer) ?? null
    if (typeof verdict === 'string') throw refuse(attributes, verdict)
    if (verdict) throw verdict
  },
}

const judgePod: Judge = (node, attributes, reader) => {
  const { operation, subresource } = attributes
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return judgePodCreate(node, attributes, reader)
      if (operation === 'DELETE') return judgePodRemoval(node, attributes, reader, `node ${q(node)} can only delete pods`)
      return `unexpected operation ${q(operation)}, node ${q(node)} can only create and delete mirror pods`
    case 'status':
      return operation === 'UPDATE' ? judgePodStatus(node, attributes) : `unexpected operation ${q(operation)}`
    case 'eviction':
      // The deletion that an eviction ends in is judged as the eviction is.
      return operation === 'CREATE' || operation === 'DELETE'
        ? judgePodRemoval(node, attributes, reader, `node ${node} can only evict pods`)
        : `unexpected operation ${operation}`
    default:
      return `unexpected pod subresource ${q(subresource)}, only 'status' and 'eviction' are allowed`
  }
}

function judgePodRemoval(
  node: string,
  attributes: AdmissionAttributes,
  reader: ClusterReader,
  what: string,
): string | ApiError | null {
  const name = attributes.name || (attributes.object?.metadata.name ?? '')
  if (!name) return 'could not determine pod from request data'
  const pod = reader.get('Pod', { namespace: attributes.namespace, name })
  if (!pod) return notFound('', 'pods', name)
  return pod.spec?.nodeName === node ? null : `${what} with spec.nodeName set to itself`
}

function judgePodCreate(node: string, { object }: AdmissionAttributes, reader: ClusterReader): string | ApiError | null {
  const pod = object as Pod
  const me = `node ${q(node)}`
  if (pod.metadata.annotations?.[MIRROR] === undefined) {
    return `pod does not have ${q(MIRROR)} annotation, ${me} can only create mirror pods`
  }
  if (pod.spec?.nodeName !== node) return `${me} can only create pods with spec.nodeName set to itself`
  const wrongOwner = judgeOwner(node, pod.metadata.ownerReferences ?? [], reader)
  if (wrongOwner !== null) return wrongOwner
  if (pod.spec.serviceAccountName) return `${me} can not create pods that reference a service account`
  const unmarked = { ...pod, metadata: { ...pod.metadata, annotations: {} } }
  const references = [...referencesOf(unmarked)]
  const kinds = ['secrets', 'configmaps', 'persistentvolumeclaims', 'resourceclaims']
  const kind = kinds.find((one) => references.some((reference) => reference.startsWith(`${one}/`)))
  return kind === undefined ? null : `${me} can not create pods that reference ${kind}`
}

function judgeOwner(node: string, owners: readonly OwnerReference[], reader: ClusterReader): string | ApiError | null {
  const me = `node ${q(node)}`
  const [owner] = owners
  if (owners.length > 1) return `${me} can only create pods with a single owner reference set to itself`
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `${me} can only create pods with an owner reference set to itself`
  }
  if (!owner.controller) return `${me} can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion) return `${me} must not set blockOwnerDeletion on an owner reference`
  const own = reader.get('Node', { name: node })
  if (!own) return notFound('', 'nodes', node)
  if (own.metadata.uid === owner.uid) return null
  return `node ${node} UID mismatch: expected ${owner.uid} got ${own.metadata.uid}`
}

function judgePodStatus(node: string, { object, oldObject }: AdmissionAttributes): string | null {
  const [pod, old] = [object as Pod, oldObject as Pod]
  if (old.spec?.nodeName !== node) return `node ${q(node)} can only update pod status for pods with spec.nodeName set to itself`
  if (!sameJson(pod.metadata.labels ?? {}, old.metadata.labels ?? {}))
    return `node ${q(node)} cannot update labels through pod status`
  if (!sameJson(pod.status?.resourceClaimStatuses, old.status?.resourceClaimStatuses)) {
    return `node ${q(node)} cannot update resource claim statuses`
  }
  return null
}

const judgeNode: Judge = (node, { operation, name, object, oldObject }) => {
  if (name !== node) return `node ${q(node)} is not allowed to modify node ${q(name)}`
  const [current, old] = [object as Node | undefined, oldObject as Node | undefined]
  if (operation === 'CREATE') {
    const forbidden = forbiddenLabels(current?.metadata.labels, {})
    if (forbidden.length > 0) return `node ${q(node)} is not allowed to set the following labels: ${forbidden.join(', ')}`
    if (current?.metadata.ownerReferences?.length) return `node ${q(node)} is not allowed to set ownerReferences`
  }
  if (operation !== 'UPDATE') return null
  // Its taints and labels say what may run on it: a node that could change them could draw to itself what it likes.
  if (!sameJson(current?.spec?.taints, old?.spec?.taints)) return `node ${q(node)} is not allowed to modify taints`
  const forbidden = forbiddenLabels(current?.metadata.labels, old?.metadata.labels)
  if (forbidden.length > 0) return `is not allowed to modify labels: ${forbidden.join(', ')}`
  if (!sameJson(current?.metadata.ownerReferences, old?.metadata.ownerReferences)) {
    return `node ${q(node)} is not allowed to modify ownerReferences`
  }
  return null
}

function forbiddenLabels(labels: Record<string, string> = {}, old: Record<string, string> = {}): string[] {
  const changed = [...new Set([...Object.keys(labels), ...Object.keys(old)])].filter((key) => labels[key] !== old[key])
  return changed.filter((key) => !mayNodeSetLabel(key)).sort()
}

const judgeClaim: Judge = (node, { operation, subresource, object, oldObject }) => {
  if (subresource !== 'status') return 'may only update PVC status'
  if (operation !== 'UPDATE') return `unexpected operation ${q(operation)}`
  const compared = (claim: PersistentVolumeClaim) => ({
    ...claim,
    metadata: { ...claim.metadata, resourceVersion: undefined, managedFields: undefined },
    status: {
      ...claim.status,
      capacity: undefined,
      conditions: undefined,
      allocatedResources: undefined,
      allocatedResourceStatuses: undefined,
      modifyVolumeStatus: undefined,
      currentVolumeAttributesClassName: undefined,
    },
  })
  if (sameJson(compared(object as PersistentVolumeClaim), compared(oldObject as PersistentVolumeClaim))) return null
  return `node ${q(node)} is not allowed to update fields other than status.quantity and status.conditions`
}

const judgeToken: Judge = (node, attributes, reader, authorizer) => {
  const { operation, subresource, object, namespace } = attributes
  if (operation !== 'CREATE' || subresource !== 'token') return null
  const { spec } = object as Partial<AuthenticationTokenRequest>
  const ref = spec?.boundObjectRef
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) return 'node requested token not bound to a pod'
  if (!ref.uid) return 'node requested token with a pod binding without a uid'
  const pod = reader.get('Pod', { namespace, name: ref.name })
  if (!pod) return notFound('', 'pods', ref.name)
  if (pod.metadata.uid !== ref.uid) {
    return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
  }
  if (pod.spec?.nodeName !== node) return 'node requested token bound to a pod scheduled on a different node'
  return judgeAudiences(spec?.audiences ?? [], pod, attributes, reader, authorizer)
}

/** A token for somebody that the pod has nothing to do with would be good for more than what runs on the node. */
function judgeAudiences(
  audiences: readonly string[],
  pod: Pod,
  { user, name, namespace }: AdmissionAttributes,
  reader: ClusterReader,
  authorizer: Authorizer,
): string | null {
  if (audiences.length > 1) return 'node may only request 0 or 1 audiences'
  const [audience = ''] = audiences
  if (audiencesOf(pod, reader).has(audience)) return null
  const { allowed } = authorizer.authorize({
    user,
    verb: 'request-serviceaccounts-token-audience',
    apiGroup: '',
    apiVersion: '',
    resource: audience,
    subresource: '',
    namespace,
    name,
    path: '',
    isResourceRequest: true,
  })
  if (allowed) return null
  return `audience ${q(audience)} not found in pod spec volume, ${user.username} is not authorized to request tokens for this audience`
}

function audiencesOf(pod: Pod, reader: ClusterReader): Set<string> {
  const drivers = new Set<string>()
  const audiences = new Set<string>()
  for (const { projected, csi, persistentVolumeClaim, ephemeral, name } of pod.spec?.volumes ?? []) {
    for (const { serviceAccountToken } of projected?.sources ?? []) {
      if (serviceAccountToken) audiences.add(serviceAccountToken.audience ?? '')
    }
    if (csi) drivers.add(csi.driver)
    const claimName = persistentVolumeClaim?.claimName ?? (ephemeral && `${pod.metadata.name}-${name}`)
    const claim = claimName
      ? reader.get('PersistentVolumeClaim', { namespace: pod.metadata.namespace, name: claimName })
      : undefined
    const volume = claim?.spec?.volumeName ? reader.get('PersistentVolume', { name: claim.spec.volumeName }) : undefined
    if (volume?.spec?.csi) drivers.add(volume.spec.csi.driver)
  }
  for (const driver of drivers) {
    for (const { audience } of reader.get('CSIDriver', { name: driver })?.spec.tokenRequests ?? []) audiences.add(audience)
  }
  return audiences
}

const NODE_SIGNERS: ReadonlySet<string> = new Set([
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet',
])

/** A node that asks for another's certificate would be it. */
const judgeCertificateRequest: Judge = (node, { operation, subresource, object }) => {
  if (operation !== 'CREATE' || subresource !== '') return null
  const { signerName, request } = (object as CertificateSigningRequest).spec
  if (!NODE_SIGNERS.has(signerName)) return null
  let names: string[]
  try {
    names = commonNamesIn(Buffer.from(request, 'base64').toString())
  } catch (error) {
    return `unable to parse csr: ${(error as Error).message}`
  }
  return names.length === 1 && names[0] === `system:node:${node}`
    ? null
    : `can only create a node CSR with CN=system:node:${node}`
}

const ownNameOnly =
  (what: string) =>
  (node: string, { operation, object, name }: AdmissionAttributes): string | null =>
    (operation === 'CREATE' ? object?.metadata.name : name) === node
      ? null
      : `can only access ${what} with the same name as the requesting node`

const judgeLease: Judge = (node, attributes) =>
  attributes.namespace === 'kube-node-lease'
    ? ownNameOnly('node lease')(node, attributes)
    : 'can only access leases in the "kube-node-lease" system namespace'

const judgeSlice: Judge = (node, { operation, object, oldObject }) => {
  if (operation === 'CREATE' && (object as ResourceSlice).spec?.nodeName !== node) {
    return 'can only create ResourceSlice with the same NodeName as the requesting node'
  }
  if (operation === 'DELETE' && oldObject && (oldObject as ResourceSlice).spec?.nodeName !== node) {
    return 'can only delete ResourceSlice with the same NodeName as the requesting node'
  }
  return null
}

const JUDGES: Record<string, Judge> = {
  pods: judgePod,
  nodes: judgeNode,
  persistentvolumeclaims: judgeClaim,
  serviceaccounts: judgeToken,
  'certificatesigningrequests.certificates.k8s.io': judgeCertificateRequest,
  'leases.coordination.k8s.io': judgeLease,
  'csinodes.storage.k8s.io': ownNameOnly('CSINode'),
  'resourceslices.resource.k8s.io': judgeSlice,
}
