/** The defaults of each kind of volume, in pods and, where they are the same, in persistent volumes. */
import type { AzureDiskVolumeSource, PersistentVolumeSpec, Volume, VolumeProjection } from '../../../api/generated/types.ts'
import { canonicalizeQuantity, canonicalizeResourceList } from '../rules/quantities.ts'
import { pullPolicyOf } from './image.ts'

/** 0644 */
const FILE_MODE = 420

export function setVolumeDefaults(volume: Volume): void {
  if (!hasSource(volume)) volume.emptyDir = {}
  if (volume.emptyDir) canonicalizeQuantity(volume.emptyDir, 'sizeLimit')
  else if (volume.secret) volume.secret.defaultMode ??= FILE_MODE
  else if (volume.configMap) volume.configMap.defaultMode ??= FILE_MODE
  else if (volume.projected) {
    volume.projected.defaultMode ??= FILE_MODE
    for (const source of volume.projected.sources ?? []) setProjectionDefaults(source)
  } else if (volume.hostPath) volume.hostPath.type ??= ''
  else if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= FILE_MODE
    setDownwardDefaults(volume.downwardAPI.items)
  } else if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '')
  else if (volume.ephemeral?.volumeClaimTemplate) {
    const { spec } = volume.ephemeral.volumeClaimTemplate
    spec.volumeMode ||= 'Filesystem'
    canonicalizeResourceList(spec.resources?.requests)
    canonicalizeResourceList(spec.resources?.limits)
  } else setNetworkDefaults(volume)
}

function hasSource(volume: Volume): boolean {
  for (const member in volume) {
    const source = volume[member as keyof Volume]
    if (member !== 'name' && source !== undefined && source !== null) return true
  }
  return false
}

function setProjectionDefaults({ serviceAccountToken, downwardAPI }: VolumeProjection): void {
  if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600
  if (downwardAPI) setDownwardDefaults(downwardAPI.items)
}

function setDownwardDefaults(items: NonNullable<VolumeProjection['downwardAPI']>['items']): void {
  for (const { fieldRef, resourceFieldRef } of items ?? []) {
    if (fieldRef) fieldRef.apiVersion ||= 'v1'
    if (resourceFieldRef) {
      resourceFieldRef.divisor ??= '0'
      canonicalizeQuantity(resourceFieldRef, 'divisor')
    }
  }
}

type NetworkSources = Pick<Volume, 'iscsi' | 'rbd' | 'scaleIO' | 'azureDisk'> | PersistentVolumeSpec

/** Sources that pods and persistent volumes name in the same way. */
export function setNetworkDefaults({ iscsi, rbd, scaleIO, azureDisk }: NetworkSources): void {
  if (iscsi) iscsi.iscsiInterface ||= 'default'
  if (rbd) {
    rbd.pool ||= 'rbd'
    rbd.user ||= 'admin'
    rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned'
    scaleIO.fsType ||= 'xfs'
  }
  if (azureDisk) setAzureDiskDefaults(azureDisk)
}

function setAzureDiskDefaults(disk: AzureDiskVolumeSource): void {
  disk.cachingMode ??= 'ReadWrite'
  disk.kind ??= 'Shared'
  disk.fsType ??= 'ext4'
  disk.readOnly ??= false
}
