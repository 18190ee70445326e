import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EndpointSlice, Service, ServiceSpec } from '../api/generated/types.ts'
import { chainNames, endpointChain, rankOf } from './backends/iptables/chain-names.ts'
import { renderRules as toChains } from './backends/iptables/render-rules.ts'
import { createRuleBook } from './backends/iptables/rule-book.ts'
import { inSteps, toRestoreInput } from './backends/iptables/tables.ts'
import { createLedger } from './backends/nftables/ledger.ts'
import { renderRules as toThings } from './backends/nftables/render-rules.ts'
import { toTransaction } from './backends/nftables/transaction.ts'
import { computeRules } from './compute-rules.ts'
import { selectEndpoints } from './select-endpoints.ts'
import { servicePortsOf, type EndpointView, type NodeView } from './service-ports.ts'
import { computeStaleFlows, conntrackArguments } from './stale-flows.ts'

const node: NodeView = { name: 'a', zone: 'z1', clusterCidrs: ['10.244.0.0/16'], masqueradeAll: false }

const service = (spec: Partial<ServiceSpec> = {}, labels = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'web', uid: 'u', labels },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
})
const slice = (ips: string[], changes: object = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  metadata: { name: 's', uid: 's' },
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: ips.map((ip) => ({ addresses: [ip], nodeName: 'a', conditions: { ready: true }, ...changes })),
})
const rulesOf = (spec: Partial<ServiceSpec>, ips: string[], changes: object = {}) =>
  computeRules(servicePortsOf(service(spec), [slice(ips, changes)], node, 'IPv4'), node)
const rulesFor = (spec: Partial<ServiceSpec>, ips: string[]) => toChains(rulesOf(spec, ips))

describe('the rules of a service', () => {
  it('lead from its address over all endpoints, each with its share', () => {
    const { chains, shared } = rulesFor({}, ['10.244.0.1', '10.244.0.2', '10.244.0.3'])
    const { cluster } = chainNames('default/web:http', 'tcp')
    expect(shared['nat/KUBE-SERVICES']).toEqual([
      `-m comment --comment "default/web:http cluster IP" -m tcp -p tcp -d 10.96.0.1/32 --dport 80 -j ${cluster}`,
    ])
    const lines = chains.get(cluster)!
    expect(lines[0]).toContain('! -s 10.244.0.0/16 -j KUBE-MARK-MASQ')
    expect(lines.slice(1).map((line) => /--probability (\S+)/.exec(line)?.[1])).toEqual([
      '0.3333333333',
      '0.5000000000',
      undefined,
    ])
    expect(chains.size).toBe(4)
  })

  it('refuse when there is no endpoint, and drop when there is none here', () => {
    expect(rulesFor({}, []).shared['filter/KUBE-SERVICES']?.[0]).toMatch(/has no endpoints.*-j REJECT$/)
    const elsewhere = toChains(rulesOf({ internalTrafficPolicy: 'Local' }, ['10.244.1.1'], { nodeName: 'b' }))
    expect(elsewhere.shared['filter/KUBE-SERVICES']?.[0]).toMatch(/has no local endpoints.*-j DROP$/)
  })

  it('take an endpoint for local that a controller of discovery v1beta1 has put here by a label', () => {
    const labelled = { nodeName: undefined, deprecatedTopology: { 'kubernetes.io/hostname': 'a' } }
    const [port] = servicePortsOf(service({}), [slice(['10.244.1.1'], labelled)], node, 'IPv4')
    expect(port?.endpoints).toMatchObject([{ isLocal: true }])
  })

  it('remember clients that are to stay with their endpoint', () => {
    const { chains } = rulesFor({ sessionAffinity: 'ClientIP' }, ['10.244.0.1'])
    expect([...chains.values()].flat().filter((line) => line.includes('-m recent'))).toMatchObject([
      expect.stringContaining('--rcheck --seconds 10800 --reap'),
      expect.stringContaining('--set'),
    ])
  })

  it.each<[string, Partial<ServiceSpec>, object]>([
    ['headless ones', { clusterIP: 'None' }, {}],
    ['names for elsewhere', { type: 'ExternalName' }, {}],
    ['those with a proxy of their own', {}, { 'service.kubernetes.io/service-proxy-name': 'x' }],
  ])('are none for %s', (_, spec, labels) => {
    expect(servicePortsOf(service(spec, labels), [slice(['10.244.0.1'])], node, 'IPv4')).toEqual([])
  })

  it('have the names that upstream gives them', () => {
    // kubernetes' own tests use this pair.
    expect(chainNames('ns1/svc1:p80', 'tcp').cluster).toBe('KUBE-SVC-XPGD46QRK7WJZT7O')
    expect(endpointChain('ns1/svc1:p80', 'tcp', { ip: '10.180.0.1', port: 80 } as EndpointView)).toBe('KUBE-SEP-SXIVWICOYRO3J4NJ')
  })
})

describe('the choice of endpoints', () => {
  const view = (changes: Partial<EndpointView>): EndpointView => ({
    ip: '10.244.0.1',
    port: 80,
    isLocal: true,
    ready: true,
    serving: true,
    terminating: false,
    zoneHints: [],
    nodeHints: [],
    ...changes,
  })
  const choose = (endpoints: EndpointView[]) =>
    selectEndpoints({ endpoints, internalLocal: true, externalLocal: false } as never, node)

  it('takes those that end only when no other is ready', () => {
    const ending = view({ ready: false, terminating: true })
    expect(choose([ending, view({ ip: 'b' })]).cluster.map(({ ip }) => ip)).toEqual(['b'])
    expect(choose([ending]).cluster).toEqual([ending])
  })
  it('follows hints to the own zone, but only when all endpoints have them', () => {
    const [near, far] = [view({ ip: 'near', zoneHints: ['z1'] }), view({ ip: 'far', zoneHints: ['z2'] })]
    expect(choose([near, far]).cluster).toEqual([near])
    expect(choose([near, far, view({ ip: 'x' })]).cluster).toHaveLength(3)
    expect(choose([far]).cluster).toEqual([far])
  })
  it('prefers its own node to its zone where endpoints ask for that', () => {
    const hints = { zoneHints: ['z1'] }
    const [here, near] = [view({ ip: 'here', nodeHints: ['a'], ...hints }), view({ ip: 'near', nodeHints: ['b'], ...hints })]
    expect(choose([here, near]).cluster).toEqual([here])
    expect(choose([near]).cluster).toEqual([near])
  })
})

describe('the rule book', () => {
  it('writes what differs, and after that nothing', () => {
    const names = fc.uniqueArray(fc.constantFrom('10.244.0.1', '10.244.0.2', '10.244.0.3', '10.244.0.4'))
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 5 }), (states) => {
        const book = createRuleBook('IPv4')
        const kernel = new Map<string, readonly string[]>()
        for (const ips of states) {
          book.set('default/web', rulesFor({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30000 }] }, ips))
          const changes = book.changes()
          for (const [chain, lines] of changes.written) kernel.set(chain, lines)
          for (const chain of changes.removed) expect(kernel.delete(chain)).toBe(true)
          book.written(changes)
          expect(kernel).toEqual(book.chains())
          expect(book.changes()).toEqual({ written: new Map(), removed: [] })
        }
      }),
    )
  })

  it('names every chain before its rules, and deletes after them', () => {
    const input = toRestoreInput({ written: new Map([['nat/A', ['-j B']]]), removed: ['nat/C', 'filter/D'] })
    expect(input).toBe('*nat\n:A - [0:0]\n:C - [0:0]\n-A A -j B\n-X C\nCOMMIT\n*filter\n:D - [0:0]\n-X D\nCOMMIT\n')
  })
})

describe('a change of many chains', () => {
  it('is made in steps, none of which leads to what is not there', () => {
    const { chains, shared } = rulesFor({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30000 }] }, [
      '10.244.0.1',
    ])
    const written = new Map([...Object.entries(shared), ...[...chains].map(([chain, lines]) => [`nat/${chain}`, lines] as const)])
    const there = new Set(['KUBE-MARK-MASQ'])
    const steps = inSteps({ written, removed: [...written.keys()] }, rankOf, 1)
    for (const {
      written: [[key, lines] = ['', []]],
    } of steps.slice(0, written.size).map((step) => ({ written: [...step.written] }))) {
      for (const line of lines) expect(there).toContain(/-j (\S+)/.exec(line)?.[1]?.replace(/^DNAT$/, 'KUBE-MARK-MASQ'))
      there.add(key.replace('nat/', ''))
    }
    expect(steps.slice(written.size).flatMap(({ removed }) => removed)[0]).toMatch(/KUBE-(SERVICES|NODEPORTS)$/)
  })
})

describe('in nftables', () => {
  const thingsFor = (spec: Partial<ServiceSpec>, ips: string[], changes: object = {}) => toThings(rulesOf(spec, ips, changes))
  const named = (things: ReadonlyMap<string, string>, start: string) =>
    [...things].filter(([name]) => name.startsWith(start)).map(([name, text]) => `${name.slice(start.length)} ${text}`)

  it('a service is one rule that chooses from a map', () => {
    const things = thingsFor({}, ['10.244.0.1', '10.244.0.2'])
    expect(named(things, 'element service-ips ')).toEqual([
      expect.stringMatching(/^10\.96\.0\.1 \. tcp \. 80 goto service-[0-9a-f]{10}-default\/web\/tcp\/http$/),
    ])
    expect(named(things, 'chain service-')[0]?.split('\n')).toEqual([
      expect.stringMatching(/ip daddr 10\.96\.0\.1 tcp dport 80 ip saddr != 10\.244\.0\.0\/16 jump mark-for-masquerade$/),
      'meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.244.0.1 . 8080, 1 : 10.244.0.2 . 8080 }',
    ])
  })

  it('nobody to serve is refused, and elsewhere alone is dropped', () => {
    expect(named(thingsFor({}, []), 'element no-endpoint-services ')).toEqual(['10.96.0.1 . tcp . 80 goto rejecting'])
    const elsewhere = thingsFor({ internalTrafficPolicy: 'Local' }, ['10.244.1.1'], { nodeName: 'b' })
    expect(named(elsewhere, 'element no-endpoint-services ')).toEqual(['10.96.0.1 . tcp . 80 drop'])
  })

  it('names stay within what the kernel takes, and apart', () => {
    const long = 'x'.repeat(63)
    const names = ['a', 'b'].map((name) => {
      const rules = rulesOf({ sessionAffinity: 'ClientIP' }, ['10.244.0.1']).map((port) => ({
        ...port,
        id: `${long}/${long}:${name}`,
      }))
      return [...toThings(rules).keys()].filter((thing) => thing.startsWith('chain '))
    })
    expect(new Set(names.flat()).size).toBe(4)
    for (const name of names.flat()) expect(name.length).toBeLessThanOrEqual('chain '.length + 127)
  })

  it('what differs is written in an order that the kernel takes', () => {
    const ledger = createLedger()
    ledger.set('web', thingsFor({}, ['10.244.0.1']))
    ledger.settle(ledger.differences())
    ledger.set('web', thingsFor({}, []))
    const verbs = toTransaction('IPv4', ledger.differences())
      .split('\n')
      .map((line) => line.split(' ip ')[0])
    expect(verbs).toEqual(['flush chain', 'delete element', 'delete element', 'add element', 'delete chain', ''])
    ledger.settle(ledger.differences())
    expect(toTransaction('IPv4', ledger.differences())).toBe('')
  })
})

describe('the ledger', () => {
  it('keeps a thing until its last owner lets go', () => {
    const ledger = createLedger()
    const thing = new Map([['element hairpin 10.0.0.1', '']])
    ledger.set('a', thing)
    ledger.set('b', thing)
    ledger.settle(ledger.differences())
    ledger.set('a', new Map())
    expect(ledger.differences()).toMatchObject({ written: new Map(), removed: [] })
    ledger.set('b', new Map())
    expect(ledger.differences().removed).toEqual(['element hairpin 10.0.0.1'])
  })

  it('leads any kernel to what is wanted, and then to nothing more', () => {
    const things = fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.constantFrom('1', '2'))
    const steps = fc.array(fc.record({ owner: fc.constantFrom('a', 'b'), things, forget: fc.boolean() }), { maxLength: 8 })
    fc.assert(
      fc.property(steps, (all) => {
        const ledger = createLedger()
        const kernel = new Map<string, string>()
        for (const step of all) {
          ledger.set(step.owner, new Map(Object.entries(step.things)))
          if (step.forget) {
            ledger.forget()
            kernel.clear()
          }
          const differences = ledger.differences()
          for (const [name, text] of differences.written) kernel.set(name, text)
          for (const name of differences.removed) expect(kernel.delete(name)).toBe(true)
          ledger.settle(differences)
          expect(new Set(kernel.keys())).toEqual(new Set(ledger.names()))
          expect(ledger.differences()).toEqual({ written: new Map(), before: new Map(), removed: [] })
        }
      }),
    )
  })
})

describe('stale UDP flows', () => {
  const udp = (ips: string[], spec: Partial<ServiceSpec> = {}) =>
    servicePortsOf(
      service({ type: 'NodePort', ports: [{ name: 'dns', port: 53, protocol: 'UDP', nodePort: 30053 }], ...spec }),
      [{ ...slice(ips), ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] }],
      node,
      'IPv4',
    )
  it.each([
    [
      'an endpoint that went',
      udp(['10.244.0.1', '10.244.0.2']),
      udp(['10.244.0.2']),
      [
        { address: '10.96.0.1', endpoint: '10.244.0.1' },
        { port: 30053, endpoint: '10.244.0.1' },
      ],
    ],
    ['a service that got its first endpoint', udp([]), udp(['10.244.0.1']), [{ address: '10.96.0.1' }, { port: 30053 }]],
    ['a service that went', udp(['10.244.0.1']), [], [{ address: '10.96.0.1' }, { port: 30053 }]],
    ['nothing', udp(['10.244.0.1']), udp(['10.244.0.1', '10.244.0.2']), []],
  ])('follow from %s', (_, before, after, expected) => {
    expect(computeStaleFlows(before, after)).toEqual(expected)
  })
  it('are named to conntrack by address or port', () => {
    expect(conntrackArguments({ address: '10.96.0.1', endpoint: '10.244.0.1' }).join(' ')).toBe(
      '-D -p udp --orig-dst 10.96.0.1 --dst-nat 10.244.0.1',
    )
    expect(conntrackArguments({ port: 30053 }).join(' ')).toBe('-D -p udp --orig-port-dst 30053')
  })
})
