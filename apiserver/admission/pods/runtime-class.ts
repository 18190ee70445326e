/** RuntimeClass: gives a pod the overhead and the scheduling constraints of the runtime that it asks for. */
import type { Pod, RuntimeClass, Toleration } from '../../../api/generated/types.ts'
import { canonicalQuantity } from '../../../api/quantity.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../plugin.ts'
import { isWriteOf, refuse } from '../refuse.ts'

export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  handles: (attributes) => isWriteOf(attributes, 'pods', 'CREATE'),
  admit(attributes, context) {
    const { spec } = attributes.object as Pod
    if (!spec?.runtimeClassName) return undefined
    return find(attributes, spec.runtimeClassName, context).then((found) => {
      setOverhead(attributes, found)
      setScheduling(attributes, found)
    })
  },
  validate(attributes, { reader }) {
    const { spec } = attributes.object as Pod
    if (spec?.overhead === undefined && spec?.runtimeClassName === undefined) return
    const found = spec.runtimeClassName ? reader.get('RuntimeClass', { name: spec.runtimeClassName }) : undefined
    const overhead = found?.overhead?.podFixed
    if (!overhead && spec.overhead !== undefined) {
      throw refuse(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    }
    if (overhead && !sameQuantities(overhead, spec.overhead)) throw mismatch(attributes)
  },
}

async function find(attributes: AdmissionAttributes, name: string, context: AdmissionContext): Promise<RuntimeClass> {
  const found = context.reader.get('RuntimeClass', { name }) ?? (await context.consistent()).get('RuntimeClass', { name })
  if (!found) throw refuse(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
  return found
}

const mismatch = (attributes: AdmissionAttributes) =>
  refuse(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")

function setOverhead(attributes: AdmissionAttributes, { overhead }: RuntimeClass): void {
  const spec = (attributes.object as Pod).spec
  if (!overhead) return
  if (spec.overhead !== undefined && !sameQuantities(overhead.podFixed, spec.overhead)) throw mismatch(attributes)
  if (overhead.podFixed) spec.overhead = { ...overhead.podFixed }
}

function sameQuantities(a: Record<string, string> = {}, b: Record<string, string> = {}): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => b[name] !== undefined && canonicalQuantity(a[name]!) === canonicalQuantity(b[name]))
  )
}

function setScheduling(attributes: AdmissionAttributes, { scheduling }: RuntimeClass): void {
  const spec = (attributes.object as Pod).spec
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key]
    if (own !== undefined && own !== value) {
      throw refuse(
        attributes,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
      )
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value }
  }
  const tolerations = scheduling?.tolerations ?? []
  if (tolerations.length > 0) spec.tolerations = merge(spec.tolerations ?? [], tolerations)
}

/** Those of the class are added, unless the pod has the very same already. */
function merge(own: readonly Toleration[], added: readonly Toleration[]): Toleration[] {
  const known = new Set(own.map(identity))
  return [...own, ...added.filter((toleration) => !known.has(identity(toleration)))]
}

const identity = ({ key, operator, value, effect, tolerationSeconds }: Toleration): string =>
  JSON.stringify([key, operator, value, effect, tolerationSeconds])
