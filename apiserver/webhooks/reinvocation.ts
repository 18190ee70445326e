/** Who changed an object, and who must see it once more because of that: webhooks and policies together. */
import type { KubeObject } from '../../api/object.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'

type Reinvocation = NonNullable<AdmissionAttributes['reinvocation']>

export const stateOf = (attributes: AdmissionAttributes): Reinvocation =>
  (attributes.reinvocation ??= { wanted: false, round: 0, called: new Set(), again: new Set(), output: '' })

/** All that were called and care for changes made after them. */
export function callAgain({ called, again }: Reinvocation): void {
  for (const id of called) again.add(id)
  called.clear()
}

/** Others hold on to the object. */
export function replaceContents(target: KubeObject, source: KubeObject): void {
  const members = target as unknown as Record<string, unknown>
  for (const name of Object.keys(members)) delete members[name]
  Object.assign(members, source)
}
