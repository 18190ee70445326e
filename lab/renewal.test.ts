import { describe, expect, it } from 'vitest'
import type { ProcessSpec } from './processes.ts'
import { usersOf } from './renewal.ts'

const spec = (name: string, ...command: string[]): ProcessSpec => ({ name, command, after: [] })
const specs = [
  spec('etcd', 'etcd', '--cert-file=/pki/etcd/server.crt'),
  spec('kube-apiserver', 'node', '--tls-cert-file=/pki/apiserver.crt', '--client-ca-file=/pki/ca.crt'),
  spec('kube-scheduler', 'node', '--kubeconfig=/conf/scheduler.conf'),
  spec('containerd-node-1', 'containerd', '--config', '/nodes/node-1/containerd.toml'),
]

describe('who is started again when certificates are renewed', () => {
  it.each([
    ['a serving certificate', ['/pki/apiserver.crt', '/pki/apiserver.key'], ['kube-apiserver']],
    ['what a kubeconfig was made of', ['/pki/scheduler.crt', '/conf/scheduler.conf'], ['kube-scheduler']],
    ["etcd's own, which it reads at each handshake", ['/pki/etcd/server.crt'], []],
    ['the administrator, whom no process is', ['/pki/admin.crt', '/conf/admin.conf'], []],
    ['all', ['/pki/apiserver.crt', '/conf/scheduler.conf', '/pki/etcd/server.crt'], ['kube-apiserver', 'kube-scheduler']],
  ])('%s', (_, changed, expected) => {
    expect(usersOf(specs, new Set(changed)).map(({ name }) => name)).toEqual(expected)
  })
})
