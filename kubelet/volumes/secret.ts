/** secret: the keys of a Secret as files, in memory. */
import { isNotFound } from '../../api/status.ts'
import { secretBytes, selectKeys } from './payload.ts'
import type { PayloadKind } from './volume-kind.ts'

export const secret: PayloadKind = {
  name: 'secret',
  matches: (volume) => volume.secret !== undefined,
  async payload({ secret }, context) {
    const { secretName = '', items, optional, defaultMode = 0o644 } = secret!
    try {
      return selectKeys(secretBytes(await context.secret(secretName)), { items, optional, defaultMode })
    } catch (error) {
      if (optional && isNotFound(error)) return new Map()
      throw error
    }
  },
}
