/** What the claims of a pod mean for where it may go, and what must be done to them once a node is chosen. Pure reads. */
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../api/generated/types.ts'
import { toSelector } from '../api/labels.ts'
import { compareQuantityText } from '../api/quantity.ts'
import type { Cache } from '../client/cache.ts'
import { compileNodeSelector } from './node-selector.ts'

const selectedNode = 'volume.kubernetes.io/selected-node'
const noProvisioner = 'kubernetes.io/no-provisioner'

/** What makes a claim usable on the chosen node. */
export type ClaimAction =
  | { do: 'provision'; claim: PersistentVolumeClaim; annotations: Record<string, string> }
  | { do: 'bind'; claim: PersistentVolumeClaim; volume: PersistentVolume }

export const isBound = ({ spec, status, metadata }: PersistentVolumeClaim): boolean =>
  !!spec.volumeName && (status?.phase === 'Bound' || metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined)

export const storageClassOf = ({ spec, metadata }: PersistentVolumeClaim): string =>
  spec.storageClassName ?? metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? ''

/** The class when it waits for the first pod; undefined for claims that are bound without regard to any. */
export function waitsForConsumer(claim: PersistentVolumeClaim, cache: Cache): StorageClass | undefined {
  const storageClass = cache.of('StorageClass').get(storageClassOf(claim))
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer' ? storageClass : undefined
}

export function isReachable({ spec }: PersistentVolume, node: Node): boolean {
  const required = spec?.nodeAffinity?.required
  return !required || compileNodeSelector(required)(node)
}

/** Why claims cannot be had on a node: there is no volume and no way to make one, or not enough room to make it. */
export type Lacking = 'volume' | 'capacity'

/** How all these claims can be had on this node together: the smallest is given a volume first, and no volume is given twice. */
export function planClaims(claims: readonly PersistentVolumeClaim[], node: Node, cache: Cache): readonly ClaimAction[] | Lacking {
  const actions: ClaimAction[] = []
  const taken = new Set<string>()
  const bySize = claims.toSorted((a, b) => compareQuantityText(sizeOf(a), sizeOf(b)))
  for (const claim of bySize) {
    const action = planClaim(claim, node, cache, taken)
    if (typeof action === 'string') return action
    if (action.do === 'bind') taken.add(action.volume.metadata.name)
    actions.push(action)
  }
  return actions
}

const sizeOf = ({ spec }: PersistentVolumeClaim): string => spec.resources?.requests?.['storage'] ?? '0'

function planClaim(claim: PersistentVolumeClaim, node: Node, cache: Cache, taken: ReadonlySet<string>): ClaimAction | Lacking {
  const chosen = claim.metadata.annotations?.[selectedNode]
  if (chosen !== undefined) return chosen === node.metadata.name ? { do: 'provision', claim, annotations: {} } : 'volume'
  const volume = findVolume(claim, node, cache, taken)
  if (volume) return { do: 'bind', claim, volume }
  const storageClass = waitsForConsumer(claim, cache)
  if (!storageClass || storageClass.provisioner === noProvisioner || !allows(storageClass, node)) return 'volume'
  if (!hasCapacity(storageClass, claim, node, cache)) return 'capacity'
  return { do: 'provision', claim, annotations: { [selectedNode]: node.metadata.name } }
}

/** Drivers that publish their capacity must have said that there is enough of it where the node is. */
function hasCapacity({ provisioner, metadata }: StorageClass, claim: PersistentVolumeClaim, node: Node, cache: Cache): boolean {
  if (!cache.of('CSIDriver').get(provisioner)?.spec.storageCapacity) return true
  return cache
    .of('CSIStorageCapacity')
    .list()
    .some(
      ({ storageClassName, nodeTopology, capacity, maximumVolumeSize }) =>
        storageClassName === metadata.name &&
        nodeTopology !== undefined &&
        toSelector(nodeTopology).matches(node.metadata.labels) &&
        compareQuantityText(maximumVolumeSize ?? capacity ?? '0', sizeOf(claim)) >= 0,
    )
}

const allows = ({ allowedTopologies }: StorageClass, { metadata }: Node): boolean =>
  !allowedTopologies?.length ||
  allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(metadata.labels?.[key] ?? '')),
  )

/** The smallest free volume that satisfies the claim on this node; one reserved for the claim before any other. */
function findVolume(
  claim: PersistentVolumeClaim,
  node: Node,
  cache: Cache,
  taken: ReadonlySet<string>,
): PersistentVolume | undefined {
  const selector = claim.spec.selector ? toSelector(claim.spec.selector) : undefined
  const wanted = sizeOf(claim)
  const className = storageClassOf(claim)
  const fits = (volume: PersistentVolume): boolean => {
    const { spec, metadata, status } = volume
    if (!spec || metadata.deletionTimestamp !== undefined || taken.has(metadata.name) || !isReachable(volume, node)) return false
    const { claimRef } = spec
    if (claimRef)
      return (
        claimRef.name === claim.metadata.name &&
        claimRef.namespace === claim.metadata.namespace &&
        (!claimRef.uid || claimRef.uid === claim.metadata.uid)
      )
    return (
      (status?.phase === undefined || status.phase === 'Available') &&
      (spec.storageClassName ?? '') === className &&
      (spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem') &&
      (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode)) &&
      (!selector || selector.matches(metadata.labels)) &&
      compareQuantityText(spec.capacity?.['storage'] ?? '0', wanted) >= 0
    )
  }
  const reservedFirst = (a: PersistentVolume, b: PersistentVolume) => Number(!!b.spec?.claimRef) - Number(!!a.spec?.claimRef)
  const capacityOf = ({ spec }: PersistentVolume) => spec?.capacity?.['storage'] ?? '0'
  return cache
    .of('PersistentVolume')
    .list()
    .filter(fits)
    .sort((a, b) => reservedFirst(a, b) || compareQuantityText(capacityOf(a), capacityOf(b)))[0]
}
