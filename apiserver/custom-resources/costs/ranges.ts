/** From the least to the most of a size, and what costs come of it. Whatever exceeds 64 bits is as much as they hold, as upstream. */

export interface Range {
  least: number
  most: number
}

const MOST = 2 ** 64

export const UNKNOWN: Range = { least: 0, most: MOST }

export const cheapest = (cost: number): number => Math.min(cost, MOST)

export const sum = (a: Range, b: Range): Range => ({ least: cheapest(a.least + b.least), most: cheapest(a.most + b.most) })

export const product = (a: Range, b: Range): Range => ({ least: cheapest(a.least * b.least), most: cheapest(a.most * b.most) })

export const union = (a: Range, b: Range): Range => ({ least: Math.min(a.least, b.least), most: Math.max(a.most, b.most) })

/** Of the most there can be, rounded up. */
export const scaled = ({ most }: Range, factor: number): number => cheapest(Math.ceil(most * factor))
