/** Limits: the least, the most and the default that a pod, container or claim may ask for. */
import type { LimitRange } from '../../api/generated/types.ts'
import type { Describer } from './describers.ts'
import { Page } from './page.ts'

const TITLES = ['Type', 'Resource', 'Min', 'Max', 'Default Request', 'Default Limit', 'Max Limit/Request Ratio']
const RULES = TITLES.map((title) => '-'.repeat(title.length))

export const limitRangeDescriber: Describer<LimitRange> = {
  kind: 'LimitRange',
  group: '',
  describe(range) {
    const page = new Page()
    page.line(0, 'Name:', range.metadata.name)
    page.line(0, 'Namespace:', range.metadata.namespace)
    return describeLimits(page, '', [range]).toString()
  },
}

/** The table of these ranges; the namespace's page sets it in by one. */
export function describeLimits(page: Page, indent: string, ranges: readonly LimitRange[]): Page {
  for (const [first, ...others] of [TITLES, RULES]) page.line(0, `${indent}${first}`, ...others)
  for (const item of ranges.flatMap(({ spec }) => spec?.limits ?? [])) {
    const lists = [item.min, item.max, item.defaultRequest, item.default, item.maxLimitRequestRatio]
    const names = new Set(lists.flatMap((list) => Object.keys(list ?? {})))
    for (const name of [...names].toSorted())
      page.line(0, `${indent}${item.type}`, name, ...lists.map((list) => list?.[name] ?? '-'))
  }
  return page
}
