/** Addresses as numbers, and the choice of a free one: pure. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRange } from './ip-range.ts'
import { clusterIpRange, nodePortRange, pickFree } from './pick-free.ts'

describe('a range of addresses', () => {
  test.each([
    ['10.96.0.0/16', 65_534, '10.96.0.1', '10.96.255.254'],
    ['10.96.0.0/30', 2, '10.96.0.1', '10.96.0.2'],
    ['192.168.7.9/24', 254, '192.168.7.1', '192.168.7.254'],
    ['fd00::/112', 65_535, 'fd00::1', 'fd00::ffff'],
    ['2001:db8:0:1::/64', 2 ** 31, '2001:db8:0:1::1', '2001:db8:0:1::8000:0'],
  ])('%s gives %i addresses', (cidr, size, first, last) => {
    const range = parseRange(cidr)
    expect(range.size).toBe(size)
    expect(range.at(0)).toBe(first)
    expect(range.at(size - 1)).toBe(last)
  })

  test.each([
    ['10.96.0.0/16', '10.96.0.0', -1],
    ['10.96.0.0/16', '10.96.255.255', -1],
    ['10.96.0.0/16', '10.97.0.1', -1],
    ['10.96.0.0/16', '10.96.0.10', 9],
    ['10.96.0.0/16', 'fd00::1', -1],
    ['10.96.0.0/16', 'nonsense', -1],
    ['fd00::/112', 'fd00::', -1],
    ['fd00::/112', 'fd00:0:0:0:0:0:0:10', 15],
    ['fd00::/112', '::ffff:10.0.0.1', -1],
  ])('in %s, %s has place %i', (cidr, address, offset) => {
    expect(parseRange(cidr).offsetOf(address)).toBe(offset)
  })

  test('place and address say the same', () => {
    const ranges = ['10.96.0.0/12', 'fd00:1:2::/108', '2001:db8::/96'].map(parseRange)
    fc.assert(
      fc.property(fc.constantFrom(...ranges), fc.nat(), (range, n) => {
        const offset = n % range.size
        expect(range.offsetOf(range.at(offset))).toBe(offset)
      }),
    )
  })
})

describe('the choice of a free place', () => {
  test('leaves the static part alone while there is room elsewhere', () => {
    expect(clusterIpRange(65_534)).toEqual({ size: 65_534, staticSize: 256 })
    expect(nodePortRange(2768)).toEqual({ size: 2768, staticSize: 86 })
    expect(clusterIpRange(8)).toEqual({ size: 8, staticSize: 0 })
    expect(
      pickFree(
        { size: 10, staticSize: 4 },
        () => false,
        () => 0,
      ),
    ).toBe(4)
    expect(
      pickFree(
        { size: 10, staticSize: 4 },
        (offset) => offset >= 4,
        () => 0,
      ),
    ).toBe(0)
  })

  test('finds every free place and no other', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
        fc.nat(40),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (used, split, n) => {
          const range = { size: used.length, staticSize: Math.min(split, used.length) }
          const found = pickFree(
            range,
            (offset) => used[offset]!,
            () => n,
          )
          if (used.every(Boolean)) expect(found).toBeUndefined()
          else expect(used[found!]).toBe(false)
        },
      ),
    )
  })
})
