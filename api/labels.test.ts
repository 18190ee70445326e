import { describe, expect, test } from 'vitest'
import { formatLabelSelector, parseLabelSelector, selectorFromSet, selectorToString, toSelector } from './labels.ts'

describe('a selector reads and prints like upstream’s', () => {
  test.each([
    ['', ''],
    ['a=b', 'a=b'],
    ['a==b', 'a==b'],
    ['a = b', 'a=b'],
    ['a!=b', 'a!=b'],
    ['b,a', 'a,b'],
    ['!a', '!a'],
    ['a in (y,x,x)', 'a in (x,y)'],
    ['a notin ( )', 'a notin ()'],
    ['a in (,x)', 'a in (,x)'],
    ['a in (x,)', 'a in (,x)'],
    ['a=', 'a='],
    ['in=notin', 'in=notin'],
    ['a>1,b<5', 'a>1,b<5'],
    ['example.com/tier in (in, notin)', 'example.com/tier in (in,notin)'],
  ])('%s', (text, printed) => {
    expect(selectorToString(parseLabelSelector(text))).toBe(printed)
  })
})

describe('a selector that cannot be read is refused in upstream’s words', () => {
  test.each([
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
    ['a in x', "unable to parse requirement: found 'x' expected: '('"],
    ['a in (x', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['!=a', "found '!=', expected: !, identifier, or 'end of string'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a>x', `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`],
  ])('%s', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message }))
  })

  test('keys and values are checked', () => {
    expect(() => parseLabelSelector('a/b/c=d')).toThrow(
      /^unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a qualified name/,
    )
    expect(() => parseLabelSelector('a=-')).toThrow(
      /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-": a valid label/,
    )
  })
})

describe('matching', () => {
  test.each([
    ['a=b', { a: 'b' }, true],
    ['a=b', {}, false],
    ['a=', {}, false],
    ['a!=b', {}, true],
    ['a notin (b)', {}, true],
    ['a in (b,c)', { a: 'c' }, true],
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['toString', {}, false],
    ['a>3', { a: '4' }, true],
    ['a>3', { a: 'x' }, false],
    ['a=b,c=d', { a: 'b' }, false],
    ['', undefined, true],
  ])('%s of %o is %s', (text, labels, expected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(expected)
  })

  test('a LabelSelector object joins its labels and expressions', () => {
    const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }] }
    expect(toSelector(selector).matches({ app: 'web', tier: 'a' })).toBe(true)
    expect(toSelector(selector).matches({ app: 'web' })).toBe(false)
    expect(formatLabelSelector(selector)).toBe('app=web,tier in (a,b)')
  })

  test('an absent selector matches nothing, an empty one everything', () => {
    expect(toSelector(undefined).matches({})).toBe(false)
    expect(toSelector({}).matches({})).toBe(true)
    expect(selectorFromSet(undefined).matches({})).toBe(false)
  })
})
