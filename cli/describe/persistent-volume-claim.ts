/** A claim: what it asks for, the volume that it got, and the pods that use it. */
import { ageOf } from '../../api/duration.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimTemplate, Pod } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { formatDate, Page } from './page.ts'

/** Before it was a member of the spec, the class of claims and volumes was an annotation, which still goes first. */
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

const SHORT_MODES: readonly (readonly [mode: string, short: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
]

type ClaimLike = Pick<PersistentVolumeClaimTemplate, 'metadata' | 'spec'>

export const storageClassOf = ({
  metadata,
  spec,
}: {
  metadata?: ClaimLike['metadata']
  spec: { storageClassName?: string | undefined }
}): string => metadata?.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? ''

/** `RWO,ROX` */
export const formatAccessModes = (modes: readonly string[] = []): string =>
  SHORT_MODES.flatMap(([mode, short]) => (modes.includes(mode) ? [short] : [])).join(',')

export const persistentVolumeClaimDescriber: Describer<PersistentVolumeClaim, Pod[]> = {
  kind: 'PersistentVolumeClaim',
  group: '',
  read: async ({ client }, claim) => {
    const { items } = await client.list('Pod', { namespace: claim.metadata.namespace })
    return items.filter((pod) => isUsedBy(claim, pod))
  },
  describe(claim, pods, events, now) {
    const { metadata, spec, status = {} } = claim
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.line(0, 'StorageClass:', storageClassOf(claim))
    page.line(0, 'Status:', formatPhase(claim, now))
    page.line(0, 'Volume:', spec.volumeName)
    page.pairs(0, 'Labels', metadata.labels)
    page.annotations(0, metadata.annotations)
    page.line(0, 'Finalizers:', `[${(metadata.finalizers ?? []).join(' ')}]`)
    describeClaimSpec(page, 0, claim, status)
    page.list(0, 'Used By', pods.map((pod) => pod.metadata.name).toSorted())
    if (status.conditions?.length) {
      page.line(0, 'Conditions:')
      page.line(1, 'Type', 'Status', 'LastProbeTime', 'LastTransitionTime', 'Reason', 'Message')
      page.line(1, '----', '------', '-----------------', '------------------', '------', '-------')
      for (const { type, status: value, lastProbeTime, lastTransitionTime, reason, message } of status.conditions) {
        const times = [formatDate(lastProbeTime ?? ZERO_TIME), formatDate(lastTransitionTime ?? ZERO_TIME)]
        page.line(1, ...[type, value, ...times, reason ?? ''].map((cell) => `${cell} `), message)
      }
    }
    return describeEvents(page, events, now).toString()
  },
}

/** How Go shows a time that was never set. */
const ZERO_TIME = '0001-01-01T00:00:00Z'

/** By a volume of the pod, or as an ephemeral volume that the pod owns. */
const isUsedBy = ({ metadata: { name, ownerReferences = [] } }: PersistentVolumeClaim, { metadata, spec }: Pod): boolean =>
  (spec.volumes ?? []).some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name) ||
  ownerReferences.some(({ kind, uid }) => kind === 'Pod' && uid === metadata.uid)

interface MayBeDeleted {
  metadata: { deletionTimestamp?: string | undefined }
  status?: { phase?: string | undefined } | undefined
}

export const formatPhase = ({ metadata: { deletionTimestamp }, status }: MayBeDeleted, now: Date): string =>
  deletionTimestamp ? `Terminating (lasts ${ageOf(deletionTimestamp, now)})` : (status?.phase ?? '')

/** What pods that bring a claim of their own say about it. */
export function describeClaimTemplate(page: Page, level: number, claim: ClaimLike): void {
  page.line(level, 'StorageClass:', storageClassOf(claim))
  page.line(level, 'Volume:', claim.spec.volumeName)
  page.pairs(level, 'Labels', claim.metadata?.labels)
  page.annotations(level, claim.metadata?.annotations)
  describeClaimSpec(page, level, claim, {})
}

function describeClaimSpec(
  page: Page,
  level: number,
  { spec: { volumeName, volumeMode, dataSource } }: ClaimLike,
  { capacity, accessModes }: NonNullable<PersistentVolumeClaim['status']>,
): void {
  page.line(level, 'Capacity:', volumeName ? (capacity?.['storage'] ?? '0') : '')
  page.line(level, 'Access Modes:', volumeName ? formatAccessModes(accessModes) : '')
  if (volumeMode) page.line(level, 'VolumeMode:', volumeMode)
  if (!dataSource) return
  page.line(level, 'DataSource:')
  if (dataSource.apiGroup !== undefined) page.line(level + 1, 'APIGroup:', dataSource.apiGroup)
  page.line(level + 1, 'Kind:', dataSource.kind)
  page.line(level + 1, 'Name:', dataSource.name)
}
