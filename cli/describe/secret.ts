/** A secret: the names and sizes of its values, never what they are; a service account's token excepted, as kubectl has it. */
import type { Secret } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { Page } from './page.ts'

export const secretDescriber: Describer<Secret> = {
  kind: 'Secret',
  group: '',
  describe({ metadata, type = 'Opaque', data = {} }) {
    const page = new Page()
    page.identity(metadata)
    page.line(0, '').line(0, 'Type:', type).line(0, '').line(0, 'Data').line(0, '====')
    for (const key of Object.keys(data).toSorted()) {
      const value = Buffer.from(data[key]!, 'base64')
      const isToken = type === 'kubernetes.io/service-account-token' && key === 'token'
      page.line(0, `${key}:`, isToken ? value.toString('utf8') : `${value.length} bytes`)
    }
    return page.toString()
  },
}
