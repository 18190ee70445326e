/** What CEL functions are given: values of the type that they ask for, or no overload. */
import { noOverload, type CelValue } from './values.ts'

export type CelFunction = (...values: CelValue[]) => CelValue

export const text = (value: CelValue | undefined): string => {
  if (typeof value !== 'string') throw noOverload()
  return value
}
export const list = (value: CelValue | undefined): CelValue[] => {
  if (!Array.isArray(value)) throw noOverload()
  return value
}
export const index = (value: CelValue | undefined): number => {
  if (typeof value !== 'bigint') throw noOverload()
  return Number(value)
}
