/** Priority: turns the name of a priority class into the number and the preemption policy that schedulers go by. */
import type { Pod, PriorityClass } from '../../../api/generated/types.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../plugin.ts'
import { isWriteOf, refuse } from '../refuse.ts'

export const priority: AdmissionPlugin = {
  name: 'Priority',
  handles: (attributes) =>
    isWriteOf(attributes, 'pods', 'CREATE', 'UPDATE') ||
    isWriteOf(attributes, 'priorityclasses.scheduling.k8s.io', 'CREATE', 'UPDATE'),
  admit(attributes, { reader }) {
    if (attributes.resource !== 'pods') return
    const { spec } = attributes.object as Pod
    if (!spec) return
    if (attributes.operation === 'CREATE') return setPriority(attributes, reader)
    // A client that has never heard of these fields sends the pod back without them.
    const old = (attributes.oldObject as Pod).spec
    if (old?.priority !== undefined) spec.priority ??= old.priority
    if (old?.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy
  },
  validate(attributes, { reader }) {
    if (attributes.resource !== 'priorityclasses') return
    const wanted = attributes.object as PriorityClass
    const present = wanted.globalDefault ? defaultClass(reader) : undefined
    if (!present || (attributes.operation === 'UPDATE' && present.metadata.name === wanted.metadata.name)) return
    throw refuse(attributes, `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`)
  },
}

function setPriority(attributes: AdmissionAttributes, reader: ClusterReader): void {
  const spec = (attributes.object as Pod).spec
  const name = spec.priorityClassName
  const found = name ? reader.get('PriorityClass', { name }) : defaultClass(reader)
  if (name && !found) throw refuse(attributes, `no PriorityClass with name ${name} was found`)
  const value = found?.value ?? 0
  const policy = found ? found.preemptionPolicy : 'PreemptLowerPriority'
  if (found && !name) spec.priorityClassName = found.metadata.name
  if (spec.priority !== undefined && spec.priority !== value) {
    throw refuse(
      attributes,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
    )
  }
  spec.priority = value
  if (policy === undefined) return
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refuse(
      attributes,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    )
  }
  spec.preemptionPolicy = policy
}

/** Two at once can only come from a race: the lower one is the safer. */
const defaultClass = (reader: ClusterReader): PriorityClass | undefined =>
  reader
    .list('PriorityClass')
    .filter(({ globalDefault }) => globalDefault)
    .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]
