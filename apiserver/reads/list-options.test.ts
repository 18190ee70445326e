import { describe, expect, test } from 'vitest'
import { encodeContinue, readListOptions } from './list-options.ts'

describe('the options of a list', () => {
  const read = (query: string, watch = false) => readListOptions(new URLSearchParams(query), watch)
  test('a continue token comes back as it went', () => {
    const token = { revision: 12, start: 'default/a\0' }
    expect(read(`continue=${encodeContinue(token)}&limit=5`)).toMatchObject({ continue: token, limit: 5 })
  })
  test.each([
    ['resourceVersion=x', 'strconv.ParseUint: parsing "x": invalid syntax'],
    ['resourceVersion=-1', 'invalid syntax'],
    ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    ['resourceVersion=0&resourceVersionMatch=Exact', 'is forbidden for resourceVersion "0"'],
    ['resourceVersion=1&resourceVersionMatch=Some', 'Unsupported value: "Some"'],
    ['sendInitialEvents=true', 'sendInitialEvents is forbidden for list'],
    ['continue=garbage', 'invalid continue token: continue key is not valid'],
    [`continue=${encodeContinue({ revision: 3, start: '../secrets/' })}`, 'continue key is not valid'],
    [`resourceVersion=3&continue=${encodeContinue({ revision: 3, start: 'a' })}`, 'not allowed when using continue'],
    ['limit=ten', 'invalid syntax'],
  ])('%s is refused', (query, message) => {
    expect(() => read(query)).toThrow(message)
  })
})
