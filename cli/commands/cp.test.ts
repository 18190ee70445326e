import { describe, expect, test } from 'vitest'
import { parseFileSpec } from './cp.ts'
import { placeOf } from '../streams/tar-files.ts'

describe('where files are', () => {
  test.each([
    ['web:/etc', { namespace: '', pod: 'web', file: '/etc' }],
    ['shop/web:x', { namespace: 'shop', pod: 'web', file: 'x' }],
    ['./a:b', { namespace: '', pod: '', file: './a:b' }],
    ['plain', { namespace: '', pod: '', file: 'plain' }],
  ])('%s', (text, spec) => {
    expect(parseFileSpec(text)).toEqual(spec)
  })

  test('members of a tar stay under the target', () => {
    expect(placeOf('etc/hosts', 'etc', '/t')).toBe('/t/hosts')
    expect(placeOf('etc', 'etc', '/t')).toBe('/t')
    expect(placeOf('etc/../../x', 'etc', '/t')).toBeUndefined()
  })
})
