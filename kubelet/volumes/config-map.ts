/** configMap: the keys of a ConfigMap as files. */
import { isNotFound } from '../../api/status.ts'
import { configMapBytes, selectKeys } from './payload.ts'
import type { PayloadKind } from './volume-kind.ts'

export const configMap: PayloadKind = {
  name: 'configmap',
  matches: (volume) => volume.configMap !== undefined,
  async payload({ configMap }, context) {
    const { name = '', items, optional, defaultMode = 0o644 } = configMap!
    try {
      return selectKeys(configMapBytes(await context.configMap(name)), { items, optional, defaultMode })
    } catch (error) {
      if (optional && isNotFound(error)) return new Map()
      throw error
    }
  },
}
