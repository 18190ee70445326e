/** A config map: its values in full, the sizes of what is binary. */
import type { ConfigMap } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { describeEvents } from './events.ts'
import { Page } from './page.ts'

export const configMapDescriber: Describer<ConfigMap> = {
  kind: 'ConfigMap',
  group: '',
  describe({ metadata, data = {}, binaryData = {} }, _, events, now) {
    const page = new Page()
    page.identity(metadata)
    page.line(0, '').line(0, 'Data').line(0, '====')
    for (const key of Object.keys(data).toSorted()) page.line(0, `${key}:`).line(0, '----').line(0, data[key]).line(0, '')
    page.line(0, '').line(0, 'BinaryData').line(0, '====')
    for (const key of Object.keys(binaryData).toSorted())
      page.line(0, `${key}: ${Buffer.from(binaryData[key]!, 'base64').length} bytes`)
    page.line(0, '')
    return describeEvents(page, events, now).toString()
  },
}
