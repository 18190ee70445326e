/** A service account: the secrets that it may mount and pull images with. */
import type { ServiceAccount } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'

export const serviceAccountDescriber: Describer<ServiceAccount> = {
  kind: 'ServiceAccount',
  group: '',
  describe({ metadata, imagePullSecrets = [], secrets = [] }, _, events, now) {
    const page = new Page()
    page.line(0, 'Name:', metadata.name)
    page.line(0, 'Namespace:', metadata.namespace)
    page.pairs(0, 'Labels', metadata.labels)
    page.pairs(0, 'Annotations', metadata.annotations, ': ')
    page.list(
      0,
      'Image pull secrets',
      imagePullSecrets.map(({ name }) => name ?? ''),
    )
    page.list(
      0,
      'Mountable secrets',
      secrets.map(({ name }) => name ?? ''),
    )
    return describeEvents(page, events, now).toString()
  },
}
