/** CSIDriver, CSINode and CSIStorageCapacity: what storage drivers say of themselves. */
import { duplicate, invalid, required } from '../../api/field-error.ts'
import type { CSIDriver, CSINode, CSIStorageCapacity } from '../../api/generated/types.ts'
import { isDNS1123Subdomain, isQualifiedName } from '../../api/names.ts'
import { AGE, boolean, integer, NAME, NONE, text, UNSET } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { check, checkImmutable, checkRequired, checkSupported, checkUnique, type Errors } from './rules/field-rules.ts'
import { validateLabelSelector } from './rules/label-selector.ts'
import { validateCsiDriverName } from './pod-spec/volumes.ts'
import { canonicalizeQuantity, validateQuantityValue } from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

const MAX_NODE_ID = 256

export const csiDriver: ResourceBehaviour<CSIDriver> = {
  setDefaults: (driver) => {
    const spec = (driver.spec ??= {})
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ||= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  validate: ({ metadata, spec }) => {
    const errors: Errors = []
    validateCsiDriverName(errors, 'metadata.name', metadata.name)
    checkSupported(errors, 'spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType'])
    for (const mode of spec.volumeLifecycleModes ?? []) {
      checkSupported(errors, 'spec.volumeLifecycleModes', mode, ['Ephemeral', 'Persistent'])
    }
    const audiences = new Set<string>()
    spec.tokenRequests?.forEach(({ audience = '', expirationSeconds }, i) => {
      const at = `spec.tokenRequests[${i}]`
      checkUnique(errors, `${at}.audience`, audience, audiences)
      if (expirationSeconds !== undefined && expirationSeconds < 600) {
        errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'))
      }
    })
    return errors
  },
  validateUpdate: ({ spec }, old) => {
    const errors: Errors = []
    checkImmutable(errors, 'spec.attachedRequired', spec.attachRequired, old.spec.attachRequired)
    checkImmutable(errors, 'spec.volumeLifecycleModes', spec.volumeLifecycleModes, old.spec.volumeLifecycleModes)
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    boolean('AttachRequired', 'Whether volumes must be attached to the node.', ({ spec }) => spec.attachRequired ?? true),
    boolean('PodInfoOnMount', 'Whether the driver wants to know the pod.', ({ spec }) => spec.podInfoOnMount),
    boolean('StorageCapacity', 'Whether the scheduler looks at the capacity.', ({ spec }) => spec.storageCapacity),
    text('TokenRequests', 'Audiences of the tokens that the driver is given.', ({ spec }) =>
      spec.tokenRequests ? spec.tokenRequests.map(({ audience }) => audience).join(',') : UNSET,
    ),
    boolean('RequiresRepublish', 'Whether mounts are repeated.', ({ spec }) => spec.requiresRepublish),
    text('Modes', 'The life that volumes have.', ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || NONE),
    AGE,
  ],
}

export const csiNode: ResourceBehaviour<CSINode> = {
  setDefaults: (node) => {
    node.spec ??= { drivers: [] }
    node.spec.drivers ??= []
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    const names = new Set<string>()
    spec.drivers.forEach(({ name, nodeID, topologyKeys, allocatable }, i) => {
      const at = `spec.drivers[${i}]`
      validateCsiDriverName(errors, `${at}.name`, name)
      checkUnique(errors, `${at}.name`, name, names)
      if (checkRequired(errors, `${at}.nodeID`, nodeID) && nodeID.length > MAX_NODE_ID) {
        errors.push(invalid(`${at}.nodeID`, nodeID, `must be ${MAX_NODE_ID} characters or less`))
      }
      topologyKeys?.forEach((key, j) => {
        if (key === '') errors.push(required(at, 'topologyKey cannot be empty'))
        if (topologyKeys.indexOf(key) < j) errors.push(duplicate(at, key))
        check(errors, at, topologyKeys, isQualifiedName(key))
      })
      const count = allocatable?.count
      if (count !== undefined && count < 0)
        errors.push(invalid(`${at}.allocatable.count`, count, 'must be greater than or equal to 0'))
    })
    return errors
  },
  columns: [
    NAME,
    integer('Drivers', 'Drivers indicates the number of CSI drivers registered on the node', ({ spec }) => spec.drivers?.length),
    AGE,
  ],
}

export const csiStorageCapacity: ResourceBehaviour<CSIStorageCapacity> = {
  setDefaults: (capacity) => {
    canonicalizeQuantity(capacity, 'capacity')
    canonicalizeQuantity(capacity, 'maximumVolumeSize')
  },
  validate: ({ storageClassName, capacity, maximumVolumeSize, nodeTopology }) => {
    const errors: Errors = []
    validateLabelSelector(errors, 'nodeTopology', nodeTopology)
    check(errors, 'storageClassName', storageClassName ?? '', isDNS1123Subdomain(storageClassName ?? ''))
    if (capacity !== undefined) validateQuantityValue(errors, 'capacity', 'storage', capacity)
    if (maximumVolumeSize !== undefined) validateQuantityValue(errors, 'maximumVolumeSize', 'storage', maximumVolumeSize)
    return errors
  },
  validateUpdate: (capacity, old) => {
    const errors: Errors = []
    if (!sameJson(capacity.nodeTopology, old.nodeTopology))
      checkImmutable(errors, 'nodeTopology', capacity.nodeTopology, old.nodeTopology)
    checkImmutable(errors, 'storageClassName', capacity.storageClassName, old.storageClassName)
    return errors
  },
  columns: [
    NAME,
    text('StorageClassName', 'The class that the capacity is of.', ({ storageClassName }) => storageClassName),
    text('Capacity', 'How much there is.', ({ capacity }) => capacity ?? UNSET),
  ],
}
