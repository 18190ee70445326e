/** The models of versions that upstream serves no more, where they differ from today's: each is today's with other members. */
import type { FieldSchema, ModelSchema } from './models.ts'

interface Difference {
  /** Today's model. */
  of: string
  without?: readonly string[]
  with?: Readonly<Record<string, FieldSchema>>
}

const DIFFERENCES: Readonly<Record<string, Difference>> = {
  V1beta1EndpointSlice: {
    of: 'EndpointSlice',
    with: { endpoints: { type: 'array', items: { type: 'ref', ref: 'V1beta1Endpoint' } } },
  },
  V1beta1Endpoint: {
    of: 'Endpoint',
    without: ['deprecatedTopology', 'zone'],
    with: { topology: { type: 'object', values: { type: 'string' } } },
  },
}

export const olderModels = (today: Readonly<Record<string, ModelSchema>>): Record<string, ModelSchema> =>
  Object.fromEntries(
    Object.entries(DIFFERENCES).map(([name, { of, without = [], with: added }]) => {
      const { fields, ...rest } = today[of]!
      const kept = Object.entries(fields).filter(([field]) => !without.includes(field))
      return [name, { ...rest, fields: { ...Object.fromEntries(kept), ...added } }]
    }),
  )
