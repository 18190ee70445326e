/** The proxy's rules in a real kernel: what is written must carry, share, keep, refuse and forget real traffic. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EndpointSlice, Service, ServiceSpec } from '../../api/generated/types.ts'
import { createTestClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import { createMetrics } from '../../component/metrics.ts'
import { createIptablesBackend } from '../../kube-proxy/backends/iptables.ts'
import { createForgetFlows } from '../../kube-proxy/forget-flows.ts'
import { createProxier, type Proxier } from '../../kube-proxy/proxier.ts'
import { askUdp, createNetwork, type TestNetwork } from './network.ts'

const clusterIP = '10.96.0.10'
const nodePort = 30080

let network: TestNetwork
let proxier: Proxier
const clock = createTestClock()
const services = new Map<string, Service>()
const slices = new Map<string, EndpointSlice[]>()
const restored: string[] = []

beforeAll(async () => {
  network = await createNetwork('kptest', 3)
  const { run } = network.node
  proxier = createProxier({
    family: 'IPv4',
    backend: createIptablesBackend({
      family: 'IPv4',
      run: (command, input) => {
        if (command[0] === 'iptables-restore') restored.push(input ?? '')
        return run(command, input)
      },
    }),
    node: { name: 'a', zone: undefined, clusterCidrs: ['10.244.0.0/16'], masqueradeAll: false },
    serviceOf: (key) => services.get(key),
    slicesOf: (key) => slices.get(key) ?? [],
    forgetFlows: createForgetFlows(silentLogger, run),
    clock,
    logger: silentLogger,
    metrics: createMetrics({ processMetrics: false }),
  })
  proxier.start([])
  await proxier.settled()
})
afterAll(async () => {
  await proxier?.stop()
  await network?.remove()
})
beforeEach(async () => {
  await set({}, [])
  restored.length = 0
})

interface Backing {
  pod: number
  ready?: boolean
  serving?: boolean
  terminating?: boolean
  node?: string
}

const protocolOf = (spec: Partial<ServiceSpec>) => spec.ports?.[0]?.protocol ?? 'TCP'

/** The one service of these tests as it should be; no endpoints given takes it away. */
async function set(spec: Partial<ServiceSpec>, backing: Backing[] | 'none' = 'none', ingress: string[] = []): Promise<void> {
  const key = 'default/web'
  services.set(key, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'web', uid: 'u' },
    spec: { clusterIP, ports: [{ port: 80, protocol: 'TCP', nodePort }], ...spec },
    status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
  })
  slices.set(key, [
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      metadata: { name: 'web-1', uid: 's' },
      ports: [{ name: '', port: 8080, protocol: protocolOf(spec) }],
      endpoints: (backing === 'none' ? [] : backing).map(
        ({ pod, ready = true, serving = ready, terminating = false, node = 'a' }) => ({
          addresses: [network.pods[pod]!.ip],
          nodeName: node,
          conditions: { ready, serving, terminating },
        }),
      ),
    },
  ])
  proxier.touch(key)
  await proxier.settled()
}

const nameOf = (answer: string) => answer.split(' ')[0]
const clientOf = (answer: string) => answer.split(' ')[1]
const sample = async (count: number, ask: () => Promise<string>) => {
  const answers = await Promise.all(Array.from({ length: count }, ask))
  return new Set(answers.map(nameOf))
}

describe('a cluster IP', () => {
  it('reaches all endpoints from a pod, from the node and from outside', async () => {
    await set({}, [{ pod: 0 }, { pod: 1 }])
    const both = new Set(['kptest-p0', 'kptest-p1'])
    expect(await sample(20, () => network.pods[2]!.get(clusterIP))).toEqual(both)
    expect(await sample(20, () => network.node.get(clusterIP))).toEqual(both)
    expect(await sample(20, () => network.outside.get(clusterIP))).toEqual(both)
  })

  it('keeps the address of pods and hides that of others', async () => {
    await set({}, [{ pod: 0 }])
    expect(clientOf(await network.pods[2]!.get(clusterIP))).toBe(network.pods[2]!.ip)
    expect(clientOf(await network.outside.get(clusterIP))).toBe('10.244.0.1')
  })

  it('lets a pod reach itself', async () => {
    await set({}, [{ pod: 0 }])
    expect(await network.pods[0]!.get(clusterIP)).toBe('kptest-p0 10.244.0.1')
  })

  it('is refused at once without endpoints', async () => {
    await set({}, [])
    expect(await network.pods[2]!.get(clusterIP)).toBe('refused')
    expect(await network.node.get(clusterIP)).toBe('refused')
  })

  it('keeps a client with its endpoint when it is asked to', async () => {
    await set({ sessionAffinity: 'ClientIP' }, [{ pod: 0 }, { pod: 1 }])
    expect((await sample(15, () => network.pods[2]!.get(clusterIP))).size).toBe(1)
  })

  it('falls back to endpoints that end but still serve, and never to those that are not ready', async () => {
    await set({}, [
      { pod: 0, ready: false, serving: true, terminating: true },
      { pod: 1, ready: false },
    ])
    expect(await sample(10, () => network.pods[2]!.get(clusterIP))).toEqual(new Set(['kptest-p0']))
  })

  it('stays on this node with internal policy Local, and drops when nothing is here', async () => {
    await set({ internalTrafficPolicy: 'Local' }, [{ pod: 0 }, { pod: 1, node: 'b' }])
    expect(await sample(10, () => network.pods[2]!.get(clusterIP))).toEqual(new Set(['kptest-p0']))
    await set({ internalTrafficPolicy: 'Local' }, [{ pod: 1, node: 'b' }])
    expect(await network.pods[2]!.get(clusterIP)).toBe('timeout')
  })
})

describe('from outside', () => {
  const at = (port: number) => `${network.node.ip}:${port}`

  it('a node port reaches all endpoints, with the client hidden', async () => {
    await set({ type: 'NodePort' }, [{ pod: 0 }, { pod: 1, node: 'b' }])
    expect((await sample(20, () => network.outside.get(at(nodePort)))).size).toBe(2)
    expect(clientOf(await network.outside.get(at(nodePort)))).toMatch(/^10\.244\.\d\.1$/)
    expect(nameOf(await network.node.get(`127.0.0.1:${nodePort}`))).toMatch(/^kptest-p/)
  })

  it('a node port with external policy Local keeps the client and stays here; pods and the node reach all', async () => {
    await set({ type: 'NodePort', externalTrafficPolicy: 'Local' }, [{ pod: 0 }, { pod: 1, node: 'b' }])
    expect(await network.outside.get(at(nodePort))).toBe(`kptest-p0 ${network.outside.ip}`)
    expect((await sample(20, () => network.node.get(at(nodePort)))).size).toBe(2)
    await set({ type: 'NodePort', externalTrafficPolicy: 'Local' }, [{ pod: 1, node: 'b' }])
    expect(await network.outside.get(at(nodePort))).toBe('timeout')
    expect(nameOf(await network.node.get(at(nodePort)))).toBe('kptest-p1')
  })

  it('a node port without endpoints is refused', async () => {
    await set({ type: 'NodePort' }, [])
    expect(await network.outside.get(at(nodePort))).toBe('refused')
  })

  it('external and load balancer addresses lead to the service', async () => {
    await set({ type: 'LoadBalancer', externalIPs: ['198.51.100.1'] }, [{ pod: 0 }], ['198.51.100.2'])
    await network.outside.run(['ip', 'route', 'replace', 'default', 'via', network.node.ip])
    expect(nameOf(await network.outside.get('198.51.100.1'))).toBe('kptest-p0')
    expect(nameOf(await network.outside.get('198.51.100.2'))).toBe('kptest-p0')
  })

  it('a load balancer lets only its source ranges in', async () => {
    await set({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] }, [{ pod: 0 }], ['198.51.100.2'])
    expect(await network.outside.get('198.51.100.2')).toBe('timeout')
    await set({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.168.77.0/24'] }, [{ pod: 0 }], ['198.51.100.2'])
    expect(nameOf(await network.outside.get('198.51.100.2'))).toBe('kptest-p0')
  })
})

describe('UDP', () => {
  const udp: Partial<ServiceSpec> = { ports: [{ port: 53, protocol: 'UDP' }] }

  it('does not keep sending to an endpoint that went away', async () => {
    await set(udp, [{ pod: 0 }])
    expect(await askUdp(network.pods[2]!, clusterIP, 53, 5353)).toBe('kptest-p0')
    await set(udp, [{ pod: 1 }])
    expect(await askUdp(network.pods[2]!, clusterIP, 53, 5353)).toBe('kptest-p1')
  })

  it('reaches the first endpoint from a port that found none before', async () => {
    await set(udp, [])
    expect(await askUdp(network.pods[2]!, clusterIP, 53, 5354)).toBe('silence')
    await set(udp, [{ pod: 0 }])
    expect(await askUdp(network.pods[2]!, clusterIP, 53, 5354)).toBe('kptest-p0')
  })
})

describe('writing', () => {
  it('touches only the chains of the endpoint that changed', async () => {
    await set({}, [{ pod: 0 }, { pod: 1 }])
    restored.length = 0
    await set({}, [{ pod: 0 }, { pod: 1 }, { pod: 2 }])
    expect(restored).toHaveLength(1)
    expect(restored[0]!.match(/^:\S+/gm)).toHaveLength(2)
  })

  it('writes nothing when nothing changed', async () => {
    await set({}, [{ pod: 0 }])
    restored.length = 0
    await set({}, [{ pod: 0 }])
    expect(restored.filter((text) => text !== '')).toEqual([])
  })

  it('comes back after someone flushed the tables', async () => {
    await set({}, [{ pod: 0 }])
    for (const table of ['nat', 'filter', 'mangle']) {
      await network.node.run(['iptables', '-t', table, '-F'])
      await network.node.run(['iptables', '-t', table, '-X'])
    }
    expect(await network.pods[2]!.get(clusterIP)).toBe('timeout')
    await clock.advance(30_000)
    await expect.poll(() => network.pods[2]!.get(clusterIP), { timeout: 10_000 }).toMatch(/^kptest-p0/)
  })

  it('takes leftovers of another life away, and everything on clean-up', async () => {
    await network.node.run(['iptables', '-t', 'nat', '-N', 'KUBE-SVC-LEFTOVERLEFTOVE'])
    await network.node.run(['iptables', '-t', 'nat', '-X', 'KUBE-PROXY-CANARY'])
    await clock.advance(30_000)
    await expect.poll(() => network.node.run(['iptables-save', '-t', 'nat']), { timeout: 10_000 }).not.toContain('LEFTOVER')
    await createIptablesBackend({ family: 'IPv4', run: network.node.run }).cleanUp()
    expect(await network.node.run(['iptables-save'])).not.toContain('KUBE-')
  })
})
