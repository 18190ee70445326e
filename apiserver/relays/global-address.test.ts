import { describe, expect, test } from 'vitest'
import { allowedAddress, isGlobalUnicast } from './global-address.ts'

describe('an address is one machine of the whole network', () => {
  test.each([
    ['10.244.1.5', true],
    ['192.168.0.1', true],
    ['2001:db8::1', true],
    ['::ffff:10.0.0.1', true],
    ['127.0.0.1', false],
    ['127.8.9.10', false],
    ['0.0.0.0', false],
    ['169.254.169.254', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['::', false],
    ['::1', false],
    ['0:0:0:0:0:0:0:1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:7f00:1', false],
    ['::ffff:169.254.169.254', false],
    ['fe80::1', false],
    ['fe80::1%eth0', false],
    ['ff02::1', false],
    ['localhost', false],
    ['127.1', false],
    ['', false],
  ])('%s: %s', (address, expected) => expect(isGlobalUnicast(address)).toBe(expected))
})

describe('a name', () => {
  test('that means this machine is not allowed', () =>
    expect(allowedAddress('localhost', isGlobalUnicast)).rejects.toThrow('address not allowed'))
  test('gives the address that was judged', async () =>
    expect(['127.0.0.1', '::1']).toContain(await allowedAddress('localhost', () => true)))
})
