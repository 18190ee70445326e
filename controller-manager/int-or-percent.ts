/** Counts that users may give as a number or as a share: `3`, `"25%"`. */

export function scaledValue(value: number | string | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(value)?.[1]
  if (percent === undefined) throw new Error(`Cannot read ${JSON.stringify(value)}: it is neither a number nor a percentage`)
  return (round === 'up' ? Math.ceil : Math.floor)((Number(percent) * total) / 100)
}
