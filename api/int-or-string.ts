/** IntOrString: a number, or a string that is usually a percentage of something. */
export type IntOrString = number | string

const PERCENT = /^([0-9]+)%$/

export const isPercent = (value: IntOrString): boolean => typeof value === 'string' && PERCENT.test(value)

/** `25%` of `total`, or the number itself. Throws when it is a string that is no percentage, in upstream's words. */
export function scaledValue(value: IntOrString, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value
  const percent = PERCENT.exec(value)?.[1]
  if (percent === undefined) {
    throw new Error(
      `invalid value for IntOrString: invalid type: ${value.endsWith('%') ? `invalid value "${value}"` : 'string is not a percentage'}`,
    )
  }
  const exact = (Number(percent) * total) / 100
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact)
}
