/** The proxy's rules in a real kernel, by each backend: they must carry, share, keep, refuse and forget real traffic. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EndpointSlice, Service, ServiceSpec } from '../../api/generated/types.ts'
import { createTestClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import { createMetrics } from '../../component/metrics.ts'
import type { ProxyMode } from '../../kube-proxy/backends/backend.ts'
import { BACKENDS, PROXY_MODES } from '../../kube-proxy/backends/list.ts'
import { createForgetFlows } from '../../kube-proxy/forget-flows.ts'
import { createProxier, type Proxier } from '../../kube-proxy/proxier.ts'
import type { Run } from '../../kube-proxy/run-program.ts'
import { askUdp, createNetwork, type TestNetwork } from './network.ts'

const clusterIP = '10.96.0.10'
const nodePort = 30080

describe.each(PROXY_MODES)('%s', describeServices)

function describeServices(mode: ProxyMode): void {
  let network: TestNetwork
  let proxier: Proxier
  const clock = createTestClock()
  const services = new Map<string, Service>()
  const slices = new Map<string, EndpointSlice[]>()
  /** What was given to the kernel's program. */
  const written: string[] = []
  /** Names of the pods begin with it. */
  const prefix = `kp-${mode.slice(0, 3)}`

  const spy: Run = (command, input) => {
    if (input) written.push(input)
    return network.node.run(command, input)
  }
  async function startProxier(): Promise<void> {
    proxier = createProxier({
      family: 'IPv4',
      backend: BACKENDS[mode]({ family: 'IPv4', run: spy }),
      node: { name: 'a', zone: undefined, clusterCidrs: ['10.244.0.0/16'], masqueradeAll: false },
      serviceOf: (key) => services.get(key),
      slicesOf: (key) => slices.get(key) ?? [],
      forgetFlows: createForgetFlows(silentLogger, spy),
      clock,
      logger: silentLogger,
      metrics: createMetrics({ processMetrics: false }),
    })
    proxier.start(services.keys())
    await proxier.settled()
  }

  beforeAll(async () => {
    network = await createNetwork(prefix, 3)
    await startProxier()
  })
  afterAll(async () => {
    await proxier?.stop()
    await network?.remove()
  })
  beforeEach(async () => {
    await set({}, [])
    written.length = 0
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
      const both = new Set([`${prefix}-p0`, `${prefix}-p1`])
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
      expect(await network.pods[0]!.get(clusterIP)).toBe(`${prefix}-p0 10.244.0.1`)
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
      expect(await sample(10, () => network.pods[2]!.get(clusterIP))).toEqual(new Set([`${prefix}-p0`]))
    })

    it('stays on this node with internal policy Local, and drops when nothing is here', async () => {
      await set({ internalTrafficPolicy: 'Local' }, [{ pod: 0 }, { pod: 1, node: 'b' }])
      expect(await sample(10, () => network.pods[2]!.get(clusterIP))).toEqual(new Set([`${prefix}-p0`]))
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
      expect(nameOf(await network.node.get(`127.0.0.1:${nodePort}`))).toMatch(/^kp-...-p/)
    })

    it('a node port with external policy Local keeps the client and stays here; pods and the node reach all', async () => {
      await set({ type: 'NodePort', externalTrafficPolicy: 'Local' }, [{ pod: 0 }, { pod: 1, node: 'b' }])
      expect(await network.outside.get(at(nodePort))).toBe(`${prefix}-p0 ${network.outside.ip}`)
      expect((await sample(20, () => network.node.get(at(nodePort)))).size).toBe(2)
      await set({ type: 'NodePort', externalTrafficPolicy: 'Local' }, [{ pod: 1, node: 'b' }])
      expect(await network.outside.get(at(nodePort))).toBe('timeout')
      expect(nameOf(await network.node.get(at(nodePort)))).toBe(`${prefix}-p1`)
    })

    it('a node port answers on the addresses that it is asked to be on alone', async () => {
      await set({ type: 'NodePort' }, [{ pod: 0 }])
      proxier.setNodePortAddresses([network.node.ip])
      await proxier.settled()
      expect(nameOf(await network.outside.get(at(nodePort)))).toBe(`${prefix}-p0`)
      expect(await network.node.get(`127.0.0.1:${nodePort}`)).toBe('refused')
      proxier.setNodePortAddresses([])
      await proxier.settled()
      expect(await network.outside.get(at(nodePort))).toBe('refused')
      proxier.setNodePortAddresses('all')
      await proxier.settled()
      expect(nameOf(await network.node.get(`127.0.0.1:${nodePort}`))).toBe(`${prefix}-p0`)
    })

    it('a node port without endpoints is refused', async () => {
      await set({ type: 'NodePort' }, [])
      expect(await network.outside.get(at(nodePort))).toBe('refused')
    })

    it('external and load balancer addresses lead to the service', async () => {
      await set({ type: 'LoadBalancer', externalIPs: ['198.51.100.1'] }, [{ pod: 0 }], ['198.51.100.2'])
      await network.outside.run(['ip', 'route', 'replace', 'default', 'via', network.node.ip])
      expect(nameOf(await network.outside.get('198.51.100.1'))).toBe(`${prefix}-p0`)
      expect(nameOf(await network.outside.get('198.51.100.2'))).toBe(`${prefix}-p0`)
    })

    it('a load balancer lets only its source ranges in', async () => {
      await set({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] }, [{ pod: 0 }], ['198.51.100.2'])
      expect(await network.outside.get('198.51.100.2')).toBe('timeout')
      await set({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.168.77.0/24'] }, [{ pod: 0 }], ['198.51.100.2'])
      expect(nameOf(await network.outside.get('198.51.100.2'))).toBe(`${prefix}-p0`)
    })
  })

  describe('UDP', () => {
    const udp: Partial<ServiceSpec> = { ports: [{ port: 53, protocol: 'UDP' }] }

    it('does not keep sending to an endpoint that went away', async () => {
      await set(udp, [{ pod: 0 }])
      expect(await askUdp(network.pods[2]!, clusterIP, 53, 5353)).toBe(`${prefix}-p0`)
      await set(udp, [{ pod: 1 }])
      expect(await askUdp(network.pods[2]!, clusterIP, 53, 5353)).toBe(`${prefix}-p1`)
    })

    it('reaches the first endpoint from a port that found none before', async () => {
      await set(udp, [])
      expect(await askUdp(network.pods[2]!, clusterIP, 53, 5354, 700)).toBe('silence')
      await set(udp, [{ pod: 0 }])
      expect(await askUdp(network.pods[2]!, clusterIP, 53, 5354)).toBe(`${prefix}-p0`)
    })
  })

  describe('SCTP', () => {
    it('is translated as the others are', async () => {
      await set({ ports: [{ port: 80, protocol: 'SCTP' }] }, [{ pod: 0 }])
      // An association's first packet, by hand: many kernels carry SCTP without speaking it.
      await network.node.run([
        'perl',
        '-MSocket',
        '-e',
        `socket(my $s, PF_INET, SOCK_RAW, 132) or die $!;
        my $init = pack('nnNN', 4000, 80, 0, 0) . pack('CCnNNnnN', 1, 0, 20, 1, 65535, 1, 1, 1);
        send($s, $init, 0, sockaddr_in(0, inet_aton('${clusterIP}'))) or die $!`,
      ])
      const flows = await network.node.run(['conntrack', '-L', '-p', 'sctp', '--orig-dst', clusterIP])
      expect(flows).toMatch(new RegExp(`src=${network.pods[0]!.ip} dst=\\S+ sport=8080`))
    })
  })

  describe('session affinity', () => {
    it('lasts through a restart of the proxy, and ends with its endpoint', async () => {
      const sticky: Partial<ServiceSpec> = { sessionAffinity: 'ClientIP' }
      const both = [{ pod: 0 }, { pod: 1 }]
      await set(sticky, both)
      const [first] = await sample(1, () => network.pods[2]!.get(clusterIP))
      await proxier.stop()
      await startProxier()
      expect(await sample(12, () => network.pods[2]!.get(clusterIP))).toEqual(new Set([first]))
      // Its endpoint leaves: another takes over.
      await set(sticky, [{ pod: first === `${prefix}-p0` ? 1 : 0 }])
      expect(await sample(5, () => network.pods[2]!.get(clusterIP))).not.toContain(first)
    })
  })

  describe('writing', () => {
    it('touches only what the endpoint that changed is in', async () => {
      await set({}, [{ pod: 0 }, { pod: 1 }])
      written.length = 0
      await set({}, [{ pod: 0 }, { pod: 1 }, { pod: 2 }])
      expect(written).toHaveLength(1)
      const lines = written[0]!.split('\n')
      if (mode === 'iptables') expect(lines.filter((line) => line.startsWith(':'))).toHaveLength(2)
      else
        expect(lines.map((line) => line.split(' ip ')[0])).toEqual([
          ...['chain', 'chain', 'rule', 'rule', 'element'].map((kind, index) => `${index === 1 ? 'flush' : 'add'} ${kind}`),
          '',
        ])
    })

    it('writes nothing when nothing changed', async () => {
      await set({}, [{ pod: 0 }])
      written.length = 0
      await set({}, [{ pod: 0 }])
      expect(written).toEqual([])
    })

    it('carries many services in one transaction, and takes them away again', async () => {
      const many = Array.from({ length: 50 }, (_, index) => `default/many-${index}`)
      for (const [index, key] of many.entries()) {
        services.set(key, {
          ...services.get('default/web')!,
          metadata: { namespace: 'default', name: `many-${index}`, uid: 'u' },
          spec: { clusterIP: `10.96.1.${index}`, ports: [{ port: 80 }] },
        })
        slices.set(key, [
          { ...slices.get('default/web')![0]!, endpoints: [0, 1].map((pod) => ({ addresses: [network.pods[pod]!.ip] })) },
        ])
      }
      written.length = 0
      for (const key of many) proxier.touch(key)
      await proxier.settled()
      expect(written).toHaveLength(1)
      expect(nameOf(await network.pods[2]!.get('10.96.1.49'))).toMatch(/^kp-...-p[01]$/)
      for (const key of many) {
        services.delete(key)
        proxier.touch(key)
      }
      await proxier.settled()
      expect(await network.node.run(inKernel)).not.toContain('many-')
    })

    const inKernel: [string, ...string[]] = mode === 'iptables' ? ['iptables-save'] : ['nft', 'list', 'ruleset']
    const asShell = (...lines: string[]) => network.node.run(['sh', '-ec', lines.join('\n')])

    const flushes: Record<ProxyMode, [what: string, how: string][]> = {
      nftables: [
        ['everything', 'nft flush ruleset'],
        ['the rules', 'nft flush table ip kube-proxy'],
      ],
      iptables: [
        ['everything', 'for table in nat filter mangle; do iptables -t $table -F; iptables -t $table -X; done'],
        ['the rules, and left the chains', 'iptables -t nat -F'],
        ["the kernel's own chains", 'iptables -t nat -F PREROUTING'],
      ],
    }
    it.each(flushes[mode])('comes back after someone flushed %s', async (_, how) => {
      await set({}, [{ pod: 0 }])
      await asShell(how)
      expect(await network.pods[2]!.get(clusterIP)).toBe('timeout')
      await clock.advance(30_000)
      await expect.poll(() => network.pods[2]!.get(clusterIP), { timeout: 20_000 }).toMatch(/^kp-...-p0/)
    })

    it('goes on under traffic while the proxy is killed and starts again, and takes leftovers of its other life away', async () => {
      await set({}, [{ pod: 0 }])
      // Killed: it writes nothing any more, and the new one knows nothing.
      await proxier.stop()
      if (mode === 'nftables') await asShell('nft add chain ip kube-proxy service-leftover')
      else await asShell('iptables -t nat -N KUBE-SVC-LEFTOVERLEFTOVE')
      let over = false
      const asked = (async () => {
        const answers = new Set<string>()
        while (!over) answers.add(await network.pods[2]!.get(clusterIP))
        return answers
      })()
      await startProxier()
      await startProxier()
      over = true
      expect(await asked).toEqual(new Set([`${prefix}-p0 ${network.pods[2]!.ip}`]))
      expect((await network.node.run(inKernel)).toLowerCase()).not.toContain('leftover')
    })

    it('tries again after a write that the kernel refused', async () => {
      await set({}, [{ pod: 0 }])
      const broken = slices.get('default/web')![0]!
      slices.set('default/web', [{ ...broken, ports: [{ name: '', port: 70_000, protocol: 'TCP' }] }])
      proxier.touch('default/web')
      await proxier.settled()
      expect(nameOf(await network.pods[2]!.get(clusterIP))).toBe(`${prefix}-p0`)
      await set({}, [{ pod: 1 }])
      await clock.advance(30_000)
      await expect.poll(async () => nameOf(await network.pods[2]!.get(clusterIP)), { timeout: 20_000 }).toBe(`${prefix}-p1`)
    })

    it('leaves nothing behind on clean-up', async () => {
      await set({ type: 'NodePort', sessionAffinity: 'ClientIP' }, [{ pod: 0 }])
      await BACKENDS[mode]({ family: 'IPv4', run: network.node.run }).cleanUp()
      expect(await network.node.run(['nft', 'list', 'ruleset'])).not.toMatch(/KUBE-|kube-proxy/)
      await BACKENDS[mode]({ family: 'IPv4', run: network.node.run }).cleanUp()
    })
  })
}
