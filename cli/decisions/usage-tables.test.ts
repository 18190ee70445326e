import { expect, test } from 'vitest'
import { nodeTable, podTable } from './usage-tables.ts'

test('use of pods and nodes', () => {
  const metrics = (name: string, cpu: string, memory: string) => ({
    metadata: { name, namespace: 'n' },
    containers: [
      { name: 'a', usage: { cpu, memory } },
      { name: 'b', usage: { cpu: '1m', memory: '1Mi' } },
    ],
  })
  const pods = [metrics('a', '5m', '10Mi'), metrics('b', '1500u', '20Mi')]
  const rows = (text: string) => text.split('\n').map((line) => line.trim().split(/\s+/).join(' '))
  const options = { withNamespace: false, byContainer: false, sum: false, headers: false }
  expect(rows(podTable(pods, options))).toEqual(['a 6m 11Mi', 'b 3m 21Mi'])
  expect(rows(podTable(pods, { ...options, sortBy: 'memory' }))).toEqual(['b 3m 21Mi', 'a 6m 11Mi'])
  const nodes = [{ metadata: { name: 'n1' }, usage: { cpu: '500m', memory: '1Gi' } }]
  expect(rows(nodeTable(nodes, new Map([['n1', { cpu: '2', memory: '4Gi' }]]), { headers: false }))).toEqual([
    'n1 500m 25% 1024Mi 25%',
  ])
})
