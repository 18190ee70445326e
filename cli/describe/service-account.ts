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
    page.identity(metadata)
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
