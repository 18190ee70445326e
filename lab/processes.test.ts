import { describe, expect, it } from 'vitest'
import type { Pki } from './certificates.ts'
import { labNameComplaint, nodeAddress, podCidr, type LabDefinition } from './definition.ts'
import { cniConfig, containerdConfig } from './node-files.ts'
import { planLeftOut, planProcesses, type ProcessSpec } from './processes.ts'

const lab: LabDefinition = { name: 'lab', index: 3, nodes: ['node-1', 'node-2'], internet: false }
const files = (name: string) => ({ certificate: `/pki/${name}.crt`, key: `/pki/${name}.key` })
const pki: Pki = {
  ca: files('ca'),
  frontProxyCa: files('front-proxy-ca'),
  etcdCa: files('etcd/ca'),
  etcdServer: files('etcd/server'),
  etcdPeer: files('etcd/peer'),
  apiServer: files('apiserver'),
  apiServerEtcdClient: files('apiserver-etcd-client'),
  apiServerKubeletClient: files('apiserver-kubelet-client'),
  frontProxyClient: files('front-proxy-client'),
  scheduler: files('scheduler'),
  controllerManager: files('controller-manager'),
  kubeProxy: files('kube-proxy'),
  admin: files('admin'),
  kubelets: { 'node-1': { client: files('k1'), serving: files('s1') }, 'node-2': { client: files('k2'), serving: files('s2') } },
  serviceAccountKey: '/pki/sa.key',
  serviceAccountPublicKey: '/pki/sa.pub',
  encryptionConfig: '/pki/encryption.yaml',
  renewed: [],
}
const programs = { node: '/bin/node', dist: '/dist' }
const plan = planProcesses(lab, pki, programs)
const byName = new Map(plan.map((spec) => [spec.name, spec]))

describe('the processes of a lab', () => {
  it('are the control plane once and three of each node', () => {
    expect([...byName.keys()].toSorted()).toEqual(
      [
        'etcd',
        'kube-apiserver',
        'kube-controller-manager',
        'kube-scheduler',
        ...lab.nodes.flatMap((node) => [`containerd-${node}`, `kubelet-${node}`, `kube-proxy-${node}`]),
      ].toSorted(),
    )
  })

  it('are left out where the lab is made without them, on every node, and it is known how they would run', () => {
    const without = { ...lab, without: ['kube-scheduler', 'kube-proxy'] }
    const rest = new Set(planProcesses(without, pki, programs).map(({ name }) => name))
    const kept = plan.filter(({ name }) => !rest.has(name))
    const asLeftOut = ({ command, ...spec }: ProcessSpec) => ({
      ...spec,
      // Of those there may be several, each with a name of its own.
      command: command.filter((flag) => !flag.startsWith('--leader-elect-identity=')),
    })
    expect(kept.map(asLeftOut)).toEqual(planLeftOut(without, pki, programs))
    expect(planLeftOut(without, pki, programs).map(({ name, node }) => [name, node])).toEqual([
      ['kube-scheduler', undefined],
      ['kube-proxy-node-1', 'node-1'],
      ['kube-proxy-node-2', 'node-2'],
    ])
  })

  it('those that lead keep their name from start to start', () => {
    for (const name of ['kube-scheduler', 'kube-controller-manager']) {
      expect(byName.get(name)!.command).toContain('--leader-elect-identity=control-plane')
    }
  })

  it('only the API server is told of etcd', () => {
    const told = plan.filter(({ command }) => command.some((word) => word.includes('2379'))).map(({ name }) => name)
    expect(told).toEqual(['etcd', 'kube-apiserver'])
  })

  it('etcd takes no client without a certificate', () => {
    expect(byName.get('etcd')!.command).toContain('--client-cert-auth')
    expect(byName.get('etcd')!.command.filter((word) => word.includes('http://'))).toEqual([])
  })

  it('each kubelet has its own certificate, address, pod range and cgroups', () => {
    const { command, node, after } = byName.get('kubelet-node-2')!
    expect(node).toBe('node-2')
    expect(after).toEqual(['api', 'containerd'])
    for (const flag of [
      '--node-ip=172.30.3.12',
      '--pod-cidr=10.244.2.0/24',
      '--cgroup-root=/kubelab/lab/node-2',
      '--tls-cert-file=/pki/s2.crt',
    ]) {
      expect(command).toContain(flag)
    }
  })
})

describe('the addresses of a lab', () => {
  it('do not meet those of a lab with another index', () => {
    expect(nodeAddress(lab, 'node-1')).toBe('172.30.3.11')
    expect(nodeAddress({ ...lab, index: 4 }, 'node-1')).toBe('172.30.4.11')
    expect(podCidr(lab, 'node-1')).toBe('10.244.1.0/24')
  })

  it('of a node that is not there are refused', () => {
    expect(() => nodeAddress(lab, 'node-9')).toThrow('Cannot find node node-9: the lab has node-1, node-2')
  })

  it.each(['Lab', '9lab', 'lab-', 'a'.repeat(21), '', 'images', '../etc'])('the name "%s" is refused', (name) => {
    expect(labNameComplaint(name)).not.toBeNull()
  })
})

describe('what the programs of a node read', () => {
  it('the pod network hands out the range of that node alone', () => {
    const { plugins } = JSON.parse(cniConfig(lab, 'node-2')) as { plugins: { type: string; ipam?: { ranges: unknown } }[] }
    expect(plugins.map(({ type }) => type)).toEqual(['bridge', 'portmap'])
    expect(plugins[0]!.ipam!.ranges).toEqual([[{ subnet: '10.244.2.0/24' }]])
  })

  it.each([
    [true, 'restrict_oom_score_adj = false'],
    [false, 'restrict_oom_score_adj = true'],
  ])('containerd lowers OOM scores only where it may: %s', (mayLowerOomScore, line) => {
    expect(containerdConfig(lab, 'node-1', { mayLowerOomScore })).toContain(line)
  })
})

describe('a node that joined', () => {
  const joined = { ...lab, nodes: [...lab.nodes, 'node-3'], joined: ['node-3'] }
  const kubelet = planProcesses(joined, pki, programs).find(({ name }) => name === 'kubelet-node-3')!

  it('asks for its certificates: the lab has made none', () => {
    const folder = '/var/lib/kubelab/lab/nodes/node-3/kubelet'
    expect(kubelet.command).toContain(`--bootstrap-kubeconfig=${folder}/bootstrap-kubeconfig`)
    expect(kubelet.command).toContain(`--kubeconfig=${folder}/kubeconfig`)
    expect(kubelet.command).toContain('--rotate-server-certificates')
    expect(kubelet.command.some((word) => word.startsWith('--tls-'))).toBe(false)
  })

  it('shows no token on a command line', () => {
    for (const { command } of planProcesses(joined, pki, programs))
      expect(command.join(' ')).not.toMatch(/[a-z0-9]{6}\.[a-z0-9]{16}/)
  })
})
