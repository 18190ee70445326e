/** The rules of a pod's volumes: each has a name of its own and exactly one source. */
import { duplicate, forbidden, invalid, required, type FieldError } from '../../../api/field-error.ts'
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  PersistentVolumeClaimSpec,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from '../../../api/generated/types.ts'
import { inclusiveRangeMessage, isDNS1123Label, isDNS1123Subdomain } from '../../../api/names.ts'
import { check, checkOneOf, checkRequired, type Errors } from '../rules/field-rules.ts'
import { validateClaimSpec } from '../rules/claim-spec.ts'
import { validateFieldRef, validateResourceFieldRef } from './env.ts'

export function validateVolumes(errors: Errors, path: string, volumes: readonly Volume[] | undefined): Map<string, Volume> {
  const byName = new Map<string, Volume>()
  volumes?.forEach((volume, i) => {
    const before = errors.length
    const at = `${path}[${i}]`
    if (checkRequired(errors, `${at}.name`, volume.name)) {
      check(errors, `${at}.name`, volume.name, isDNS1123Label(volume.name))
      if (byName.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name))
    }
    validateSource(errors, at, volume)
    // One that is wrong is not there to be mounted.
    if (errors.length === before) byName.set(volume.name, volume)
  })
  return byName
}

function validateSource(errors: Errors, path: string, volume: Volume): void {
  let sources = 0
  for (const member in volume) {
    const source = volume[member as keyof Volume]
    if (member === 'name' || source === undefined || source === null) continue
    sources++
    if (sources > 1) errors.push(forbidden(`${path}.${member}`, 'may not specify more than 1 volume type'))
    else SOURCES[member as SourceName]?.(errors, `${path}.${member}`, source as never)
  }
  if (sources === 0) errors.push(required(path, 'must specify a volume type'))
}

type SourceName = Exclude<keyof Volume, 'name'>
type SourceRules = { [K in SourceName]?: (errors: Errors, path: string, source: NonNullable<Volume[K]>) => void }

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

const SOURCES: SourceRules = {
  hostPath: (errors, path, { path: hostPath, type = '' }) => {
    if (!checkRequired(errors, `${path}.path`, hostPath)) return
    validateNoBacksteps(errors, `${path}.path`, hostPath)
    if (type && !HOST_PATH_TYPES.includes(type)) checkOneOf(errors, `${path}.type`, type, HOST_PATH_TYPES)
  },
  emptyDir: (errors, path, { sizeLimit }) => {
    if (sizeLimit?.startsWith('-'))
      errors.push(invalid(`${path}.sizeLimit`, sizeLimit, 'SizeLimit field must be a valid resource quantity'))
  },
  secret: (errors, path, { secretName, defaultMode, items }) => {
    checkRequired(errors, `${path}.secretName`, secretName)
    checkMode(errors, `${path}.defaultMode`, defaultMode)
    validateItems(errors, `${path}.items`, items)
  },
  configMap: (errors, path, { name, defaultMode, items }) => {
    checkRequired(errors, `${path}.name`, name)
    checkMode(errors, `${path}.defaultMode`, defaultMode)
    validateItems(errors, `${path}.items`, items)
  },
  downwardAPI: (errors, path, { defaultMode, items }) => {
    checkMode(errors, `${path}.defaultMode`, defaultMode)
    items?.forEach((file) => validateDownwardFile(errors, path, file))
  },
  projected: validateProjected,
  persistentVolumeClaim: (errors, path, { claimName }) => void checkRequired(errors, `${path}.claimName`, claimName),
  nfs: (errors, path, { server, path: exported }) => {
    checkRequired(errors, `${path}.server`, server)
    if (checkRequired(errors, `${path}.path`, exported) && !exported.startsWith('/')) {
      errors.push(invalid(`${path}.path`, exported, 'must be an absolute path'))
    }
  },
  csi: (errors, path, { driver, nodePublishSecretRef }) => {
    validateCsiDriverName(errors, `${path}.driver`, driver)
    if (nodePublishSecretRef && checkRequired(errors, `${path}.nodePublishSecretRef.name`, nodePublishSecretRef.name)) {
      check(errors, `${path}.name`, nodePublishSecretRef.name, isDNS1123Subdomain(nodePublishSecretRef.name!))
    }
  },
  ephemeral: (errors, path, { volumeClaimTemplate }) => {
    const at = `${path}.volumeClaimTemplate`
    if (!volumeClaimTemplate) errors.push(required(at))
    else validateClaimSpec(errors, `${at}.spec`, (volumeClaimTemplate.spec ?? {}) as PersistentVolumeClaimSpec)
  },
  image: (errors, path, { reference, pullPolicy }) => {
    checkRequired(errors, `${path}.reference`, reference)
    checkOneOf(errors, `${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never'])
  },
  gitRepo: (errors, path, { repository, directory }) => {
    checkRequired(errors, `${path}.repository`, repository)
    if (directory) validateDescendingPath(errors, `${path}.directory`, directory)
  },
  iscsi: (errors, path, { targetPortal, iqn, lun }) => {
    checkRequired(errors, `${path}.targetPortal`, targetPortal)
    checkRequired(errors, `${path}.iqn`, iqn)
    if (lun < 0 || lun > 255) errors.push(invalid(`${path}.lun`, lun, inclusiveRangeMessage(0, 255)))
  },
}

/** CSI drivers are called like hosts, and are short enough for a label. */
export function validateCsiDriverName(errors: Errors, path: string, name = ''): void {
  checkRequired(errors, path, name)
  if (name.length > 63)
    errors.push({
      reason: 'FieldValueTooLong',
      field: path,
      message: 'Too long: may not be more than 63 bytes',
    } satisfies FieldError)
  check(errors, path, name, isDNS1123Subdomain(name.toLowerCase()))
}

function validateItems(errors: Errors, path: string, items: readonly KeyToPath[] | undefined): void {
  items?.forEach(({ key, path: target, mode }, i) => {
    const at = `${path}[${i}]`
    checkRequired(errors, `${at}.key`, key)
    if (checkRequired(errors, `${at}.path`, target)) validateDescendingPath(errors, `${at}.path`, target)
    checkMode(errors, `${at}.mode`, mode)
  })
}

const VOLUME_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']

function validateDownwardFile(
  errors: Errors,
  path: string,
  { path: target, fieldRef, resourceFieldRef, mode }: DownwardAPIVolumeFile,
): void {
  if (checkRequired(errors, `${path}.path`, target)) validateDescendingPath(errors, `${path}.path`, target)
  if (fieldRef) {
    validateFieldRef(errors, `${path}.fieldRef`, fieldRef, VOLUME_FIELDS)
    if (resourceFieldRef) {
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    }
  } else if (resourceFieldRef) {
    validateResourceFieldRef(errors, `${path}.resourceFieldRef`, resourceFieldRef, true)
  } else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'))
  checkMode(errors, `${path}.mode`, mode)
}

function validateProjected(errors: Errors, path: string, { defaultMode, sources }: ProjectedVolumeSource): void {
  checkMode(errors, `${path}.defaultMode`, defaultMode)
  const paths = new Set<string>()
  sources?.forEach((source, i) => {
    const at = `${path}.sources[${i}]`
    const members = Object.keys(source) as (keyof VolumeProjection)[]
    members.slice(1).forEach(() => errors.push(forbidden(at, 'may not specify more than 1 volume type')))
    if (members.length === 0) errors.push(required(at, 'must specify a volume type'))
    validateProjection(errors, path, at, source, paths)
  })
}

function validateProjection(errors: Errors, volume: string, path: string, source: VolumeProjection, paths: Set<string>): void {
  const claim = (target: string, value: string) => {
    if (paths.has(target)) errors.push(invalid(path, value, 'conflicting duplicate paths'))
    paths.add(target)
  }
  for (const member of ['secret', 'configMap'] as const) {
    const projection = source[member]
    if (!projection) continue
    checkRequired(errors, `${path}.${member}.name`, projection.name)
    validateItems(errors, `${path}.${member}.items`, projection.items)
    for (const item of projection.items ?? []) claim(item.path, projection.name ?? '')
  }
  source.downwardAPI?.items?.forEach((file) => {
    validateDownwardFile(errors, `${path}.downwardAPI`, file)
    claim(file.path, file.path)
  })
  if (source.serviceAccountToken) {
    const { expirationSeconds = 3600, path: target } = source.serviceAccountToken
    const at = `${path}.serviceAccountToken`
    if (expirationSeconds < 600) {
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'))
    }
    if (expirationSeconds > 2 ** 32) {
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
    }
    // The path that upstream names here is short of the source.
    if (checkRequired(errors, `${volume}.path`, target)) {
      validateDescendingPath(errors, `${at}.path`, target)
      claim(target, target)
    }
  }
}

/** Relative and never upwards. */
export function validateDescendingPath(errors: Errors, path: string, target: string): void {
  if (target.startsWith('/')) errors.push(invalid(path, target, 'must be a relative path'))
  validateNoBacksteps(errors, path, target)
}

export function validateNoBacksteps(errors: Errors, path: string, target: string): void {
  if (target.split('/').includes('..')) errors.push(invalid(path, target, "must not contain '..'"))
}

function checkMode(errors: Errors, path: string, mode: number | undefined): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    errors.push(invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
  }
}
