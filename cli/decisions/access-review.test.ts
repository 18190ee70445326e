import { expect, test } from 'vitest'
import { rulesTable, whoamiTable } from './access-review.ts'

test('rules in the order of kubectl', () => {
  const table = rulesTable(
    {
      resourceRules: [
        { verbs: ['create'], apiGroups: ['b.io'], resources: ['y'] },
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['create'], apiGroups: ['a.io'], resources: ['x'] },
      ],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/api', '/api/*'] }],
    },
    false,
  )
  expect(table.split('\n').map((line) => line.trim().split(/\s+/)[0])).toEqual(['*.*', 'x.a.io', 'y.b.io', '[/api/*]', '[/api]'])
  expect(whoamiTable({ username: 'jane', groups: ['a', 'b'] })).toBe('ATTRIBUTE   VALUE\nUsername    jane\nGroups      [a b]')
})
