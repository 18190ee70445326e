/** Network policies in a real kernel: who may reach whom, and what becomes of it when the policies change. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NetworkPolicy, NetworkPolicySpec, Pod } from '../../api/generated/types.ts'
import { computePolicyRules, type PolicyRules } from '../../kube-proxy/network-policy/compute-policy-rules.ts'
import { createPolicyBackend, type PolicyBackend } from '../../kube-proxy/network-policy/policy-backend.ts'
import { createNetwork, type TestNetwork } from './network.ts'

let network: TestNetwork
let backend: PolicyBackend
let rules: PolicyRules = new Map()
let pods: Pod[]

beforeAll(async () => {
  network = await createNetwork('nptest', 3)
  backend = createPolicyBackend('IPv4', network.node.run)
  pods = network.pods.map(
    ({ ip }, index) =>
      ({
        metadata: { namespace: 'default', name: `p${index}`, labels: { app: `p${index}` } },
        spec: { nodeName: 'a', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: 8080 }] }] },
        status: { podIP: ip },
      }) as unknown as Pod,
  )
})
afterAll(() => network?.remove())
beforeEach(() => enforce())

async function enforce(...specs: NetworkPolicySpec[]): Promise<void> {
  const policies = specs.map(
    (spec, index) =>
      ({
        metadata: { namespace: 'default', name: `policy${index}` },
        spec: { podSelector: { matchLabels: { app: 'p0' } }, ...spec },
      }) as NetworkPolicy,
  )
  const next = computePolicyRules(policies, pods, [], { name: 'a', family: 'IPv4', podRanges: ['10.244.0.0/16'] })
  await backend.replace(rules, next)
  rules = next
}

const reaches = async (from: number, to: number) => (await network.pods[from]!.get(`${network.pods[to]!.ip}:8080`)) !== 'timeout'
const only = (app: string) => [{ podSelector: { matchLabels: { app } } }]

describe('a policy', () => {
  it('denies ingress from everyone but the node, and lets answers in', async () => {
    await enforce({ policyTypes: ['Ingress'] })
    expect(await reaches(1, 0)).toBe(false)
    expect(await network.outside.run(['ip', 'route', 'replace', 'default', 'via', network.node.ip])).toBe('')
    expect(await network.outside.get(`${network.pods[0]!.ip}:8080`)).toBe('timeout')
    expect(await network.node.get(`${network.pods[0]!.ip}:8080`)).toContain('nptest-p0')
    expect(await reaches(0, 1)).toBe(true)
  })

  it('denies egress, and lets answers out', async () => {
    await enforce({ policyTypes: ['Egress'] })
    expect(await reaches(0, 1)).toBe(false)
    expect(await reaches(1, 0)).toBe(true)
  })

  it('lets in whom it names, at the ports it names', async () => {
    await enforce({ ingress: [{ from: only('p1'), ports: [{ port: 'web' }] }] })
    expect([await reaches(1, 0), await reaches(2, 0)]).toEqual([true, false])
    await enforce({ ingress: [{ from: only('p1'), ports: [{ port: 8000, endPort: 8079 }] }] })
    expect(await reaches(1, 0)).toBe(false)
    await enforce({ ingress: [{ from: only('p1'), ports: [{ port: 8000, endPort: 8080 }] }] })
    expect(await reaches(1, 0)).toBe(true)
  })

  it('adds to others', async () => {
    await enforce({ policyTypes: ['Ingress'] }, { ingress: [{ from: only('p2') }] })
    expect([await reaches(1, 0), await reaches(2, 0)]).toEqual([false, true])
  })

  it('leaves out what a block excepts, unless another peer lets it in', async () => {
    const ipBlock = { cidr: '10.244.0.0/16', except: [`${network.pods[1]!.ip}/32`] }
    await enforce({ ingress: [{ from: [{ ipBlock }] }] })
    expect([await reaches(1, 0), await reaches(2, 0)]).toEqual([false, true])
    await enforce({ ingress: [{ from: [{ ipBlock }, ...only('p1')] }] })
    expect(await reaches(1, 0)).toBe(true)
  })

  it('of both ends must agree', async () => {
    await enforce({ ingress: [{ from: only('p1') }] }, { podSelector: { matchLabels: { app: 'p1' } }, policyTypes: ['Egress'] })
    expect(await reaches(1, 0)).toBe(false)
  })

  it('isolates a pod from its first packet on, before its address is told', async () => {
    const [told] = pods
    pods[0] = { ...told!, status: {} } as Pod
    await enforce({ policyTypes: ['Egress'] })
    expect([await reaches(0, 1), await reaches(2, 1), await reaches(1, 0)]).toEqual([false, true, true])
    pods[0] = told!
    await enforce({ egress: [{ to: only('p1') }], policyTypes: ['Egress'] })
    expect([await reaches(0, 1), await reaches(0, 2)]).toEqual([true, false])
  })

  it('that is gone leaves nothing in the kernel', async () => {
    await enforce({ policyTypes: ['Ingress'] })
    await enforce()
    expect(await network.node.run(['iptables-save', '-t', 'mangle'])).not.toContain('NETPOL')
    expect(await reaches(1, 0)).toBe(true)
  })

  it('takes leftovers of another life along', async () => {
    await network.node.run(['iptables', '-t', 'mangle', '-N', 'NETPOL-P-LEFTOVER'])
    await backend.replace(null, new Map())
    expect(await network.node.run(['iptables-save', '-t', 'mangle'])).not.toContain('NETPOL')
  })
})

it('ends a connection that a new policy forbids', async () => {
  const address = network.pods[0]!.ip
  const source = `
    const socket = require('node:net').connect(8080, '${address}')
    const ask = () => socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
    let answers = 0
    let stalled
    socket.on('connect', ask)
    socket.on('data', () => {
      answers++
      clearTimeout(stalled)
      stalled = setTimeout(() => { console.log(answers > 0 ? 'stalled' : 'never'); process.exit() }, 2000)
      setTimeout(ask, 50)
    })
    setTimeout(() => { console.log('lived'); process.exit() }, 60000)`
  // The kernel tracks connections where a rule asks about them, as the proxy's do on a node.
  await enforce({ ingress: [{}] })
  const talk = network.pods[1]!.run([process.execPath, '-e', source])
  await expect
    .poll(() => network.node.run(['conntrack', '-L', '-p', 'tcp', '--orig-dst', address]).catch(() => ''), { timeout: 20_000 })
    .toContain('ESTABLISHED')
  await enforce({ policyTypes: ['Ingress'] })
  expect((await talk).trim()).toBe('stalled')
})
