/** AlwaysPullImages (off by default): nobody runs another's private image because it happens to be on the node. */
import type { Pod } from '../../../api/generated/types.ts'
import { aggregate } from '../../../api/status.ts'
import type { AdmissionPlugin } from '../plugin.ts'
import { isWriteOf, refuse } from '../refuse.ts'

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const

export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  handles: (attributes) => isWriteOf(attributes, 'pods', 'CREATE', 'UPDATE'),
  admit({ object }) {
    const { spec } = object as Pod
    for (const list of LISTS) for (const container of spec?.[list] ?? []) container.imagePullPolicy = 'Always'
  },
  validate(attributes) {
    const { spec } = attributes.object as Pod
    const errors = LISTS.flatMap((list) =>
      (spec?.[list] ?? []).flatMap(({ imagePullPolicy }, index) =>
        imagePullPolicy === 'Always'
          ? []
          : [
              `spec.${list}[${index}].imagePullPolicy: Unsupported value: ${JSON.stringify(imagePullPolicy ?? '')}: supported values: "Always"`,
            ],
      ),
    )
    if (errors.length > 0) throw refuse(attributes, aggregate(errors))
  },
}
