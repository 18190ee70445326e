import { describe, expect, test } from 'vitest'
import type { Pod, Service } from '../../api/generated/types.ts'
import { parsePorts } from './port-pairs.ts'

describe('ports to forward', () => {
  const pod = {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }] },
  } as Pod
  const service = { metadata: { name: 'web' }, spec: { ports: [{ port: 8080, targetPort: 'http', name: 'front' }] } } as Service

  test.each([
    [['8080'], undefined, [[8080, 8080]]],
    [
      ['8080:80', ':http'],
      undefined,
      [
        [8080, 80],
        [0, 80],
      ],
    ],
    [['http'], undefined, [[80, 80]]],
    [['8080'], service, [[8080, 80]]],
    [['9000:front'], service, [[9000, 80]]],
  ])('%j', (args, of, pairs) => {
    expect(parsePorts(args, pod, of).map(({ local, remote }) => [local, remote])).toEqual(pairs)
  })

  test.each([
    [['a:80'], undefined, "error parsing local port 'a'"],
    [['80:foo'], undefined, "Pod 'web' does not have a named port 'foo'"],
    [['81'], service, 'Service web does not have a service port 81'],
  ])('%j is refused', (args, of, message) => {
    expect(() => parsePorts(args, pod, of)).toThrow(message)
  })
})
