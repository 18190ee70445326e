/** The rules of volume mounts and block devices, against the pod's volumes. */
import { forbidden, invalid, notFoundValue, notSupported, required } from '../../../api/field-error.ts'
import type { Container, EphemeralContainer, VolumeMount } from '../../../api/generated/types.ts'
import type { Errors } from '../rules/field-rules.ts'
import type { Volumes } from './containers.ts'
import { validateDescendingPath } from './volumes.ts'

type AnyContainer = Container | EphemeralContainer
const PROPAGATION = ['Bidirectional', 'HostToContainer', 'None']

export function validateVolumeMounts(errors: Errors, path: string, container: AnyContainer, volumes: Volumes): void {
  const paths = new Set<string>()
  container.volumeMounts!.forEach((mount, i) => {
    const at = `${path}[${i}]`
    if (!mount.name) errors.push(required(`${at}.name`))
    if (!volumes.has(mount.name)) errors.push(notFoundValue(`${at}.name`, mount.name ?? ''))
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`))
    if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'))
    paths.add(mount.mountPath)
    for (const device of container.volumeDevices ?? []) {
      if (device.name === mount.name) errors.push(invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices'))
      if (device.devicePath === mount.mountPath) {
        errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices'))
      }
    }
    validateSubPaths(errors, at, path, mount)
    validatePropagation(errors, at, mount, container)
  })
}

function validateSubPaths(errors: Errors, path: string, list: string, { subPath, subPathExpr }: VolumeMount): void {
  if (subPath) validateDescendingPath(errors, `${list}.subPath`, subPath)
  if (!subPathExpr) return
  if (subPath) errors.push(invalid(`${path}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
  validateDescendingPath(errors, `${list}.subPathExpr`, subPathExpr)
}

function validatePropagation(errors: Errors, path: string, mount: VolumeMount, container: AnyContainer): void {
  const { mountPropagation, readOnly, recursiveReadOnly } = mount
  if (mountPropagation !== undefined) {
    if (!PROPAGATION.includes(mountPropagation)) {
      errors.push(notSupported(`${path}.mountPropagation`, mountPropagation, PROPAGATION))
    } else if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
      const why = 'Bidirectional mount propagation is available only to privileged containers'
      errors.push(forbidden(`${path}.mountPropagation`, why))
    }
  }
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return
  if (recursiveReadOnly !== 'Enabled' && recursiveReadOnly !== 'IfPossible') {
    errors.push(notSupported(`${path}.recursiveReadOnly`, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']))
    return
  }
  if (!readOnly) errors.push(forbidden(`${path}.recursiveReadOnly`, 'may only be specified when readOnly is true'))
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    const why = 'may only be specified when mountPropagation is None or not specified'
    errors.push(forbidden(`${path}.recursiveReadOnly`, why))
  }
}

export function validateVolumeDevices(errors: Errors, path: string, container: AnyContainer, volumes: Volumes): void {
  const [names, paths] = [new Set<string>(), new Set<string>()]
  container.volumeDevices!.forEach(({ name, devicePath }, i) => {
    const at = `${path}[${i}]`
    if (!name) errors.push(required(`${at}.name`))
    if (names.has(name)) errors.push(invalid(`${at}.name`, name, 'must be unique'))
    const volume = volumes.get(name)
    if (!volume) errors.push(notFoundValue(`${at}.name`, name))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      errors.push(invalid(`${at}.name`, name, why))
    }
    if (!devicePath) errors.push(required(`${at}.devicePath`))
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'))
    if (devicePath?.split('/').includes('..')) {
      errors.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    }
    names.add(name)
    paths.add(devicePath)
  })
}
