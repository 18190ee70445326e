import { expect, test } from 'vitest'
import type { LabStatus } from './control.ts'
import { troubleOf } from './trouble.ts'

const lab = (...processes: [name: string, state: 'running' | 'backoff'][]): LabStatus => ({
  name: 'mine',
  phase: 'running',
  steps: [],
  nodes: [],
  leftOut: [],
  processes: processes.map(([name, state]) => ({ name, state, restarts: 3, since: '2026-01-01T00:00:00Z' })),
})
const GB = 1024 ** 3

test.each<[string, LabStatus, number, string[]]>([
  ['a lab that is well', lab(['etcd', 'running']), 10 * GB, []],
  [
    'a process that ends again and again',
    lab(['etcd', 'backoff'], ['kube-apiserver', 'running']),
    10 * GB,
    ["etcd cannot stay up: 'kubelab lab-logs etcd --lab mine' says why"],
  ],
  ['a disk that is full', lab(['etcd', 'running']), 0, ['The disk of the lab is full: 0 MB are left. Make room on it']],
])('who waits for a lab hears of %s', (_, found, free, lines) => {
  expect(troubleOf(found, free)).toEqual(lines)
})
