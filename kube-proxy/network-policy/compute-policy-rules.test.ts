import { describe, expect, it } from 'vitest'
import type { Namespace, NetworkPolicy, NetworkPolicySpec, Pod } from '../../api/generated/types.ts'
import { computePolicyRules } from './compute-policy-rules.ts'

const pod = (
  name: string,
  ip: string,
  over: { namespace?: string; node?: string; port?: number; hostNetwork?: boolean } = {},
): Pod =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: over.namespace ?? 'a', name, uid: name, labels: { app: name } },
    spec: {
      nodeName: over.node ?? 'n1',
      hostNetwork: over.hostNetwork,
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: over.port ?? 80 }] }],
    },
    status: { phase: 'Running', podIP: ip },
  }) as unknown as Pod
const pods = [
  pod('web', '10.0.0.1'),
  pod('client', '10.0.0.2', { node: 'n2', port: 81 }),
  pod('other', '10.0.1.1', { namespace: 'b' }),
  pod('host', '172.30.0.11', { namespace: 'b', hostNetwork: true }),
]
const namespaces = ['a', 'b'].map((name) => ({ metadata: { name, labels: { team: name } } }) as unknown as Namespace)
const policy = (spec: NetworkPolicySpec, name = 'p'): NetworkPolicy =>
  ({ metadata: { namespace: 'a', name }, spec: { podSelector: { matchLabels: { app: 'web' } }, ...spec } }) as NetworkPolicy

/** Chains as text, their hashes shortened: order of first use is the order of the rules. */
const rulesOf = (...policies: NetworkPolicy[]) => rulesWith(pods, ...policies)

function rulesWith(all: Pod[], ...policies: NetworkPolicy[]): Record<string, string[]> {
  const rules = computePolicyRules(policies, all, namespaces, { name: 'n1', family: 'IPv4', podRanges: ['10.0.0.0/24'] })
  const plain = (text: string) =>
    text
      .replace(/NETPOL-([A-Z]+)-[0-9A-F]+(-\d+)?/g, '$1$2')
      .replace(/-m comment --comment "[^"]*" /g, '')
      .replace('-j MARK --or-mark 0x80000', 'ALLOW')
  return Object.fromEntries([...rules].map(([chain, lines]) => [plain(chain).replace('mangle/', ''), lines.map(plain)]))
}

describe('isolation', () => {
  it('takes nothing from pods that no policy selects', () => {
    expect(rulesOf()).toEqual({})
    expect(rulesOf(policy({ podSelector: { matchLabels: { app: 'nobody' } } }))).toEqual({})
    // The client is on another node.
    expect(rulesOf(policy({ podSelector: { matchLabels: { app: 'client' } } }))).toEqual({})
  })

  it('without rules denies everything but replies and the pod itself', () => {
    expect(rulesOf(policy({ policyTypes: ['Ingress'] }))).toEqual({
      P: [],
      IN: ['-s 10.0.0.1 -j RETURN', '-j MARK --set-xmark 0x0/0x80000', '-j P', '-m mark ! --mark 0x80000/0x80000 -j DROP'],
      NETPOL: [
        '-m conntrack --ctstate RELATED -j RETURN',
        '-m conntrack --ctstate ESTABLISHED --ctdir REPLY -j RETURN',
        '-d 10.0.0.1 -j IN',
        '-j MARK --set-xmark 0x0/0x80000',
      ],
    })
  })

  it('of egress looks at what the pod sends', () => {
    const rules = rulesOf(policy({ policyTypes: ['Egress'] }))
    expect(rules['NETPOL']).toContain('-s 10.0.0.1 -j OUT')
    expect(rules['OUT']![0]).toBe('-d 10.0.0.1 -j RETURN')
  })

  it.each([
    ['ingress alone when no types are given', {}, ['IN']],
    ['egress too when there are rules for it', { egress: [{}] }, ['OUT', 'IN']],
  ] as [string, NetworkPolicySpec, string[]][])('is of %s', (_, spec, chains) => {
    expect(Object.keys(rulesOf(policy(spec))).filter((chain) => ['IN', 'OUT'].includes(chain))).toEqual(chains)
  })
})

describe('a pod that starts, whose address nobody has told yet', () => {
  const starting = { ...pod('web', '10.0.0.9'), status: { phase: 'Pending' } } as Pod
  const denied = policy({ podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] })

  it('is isolated by dropping what no known pod of the node sends', () => {
    const rules = rulesWith([pod('other', '10.0.0.5'), pod('away', '10.0.1.5', { node: 'n2' }), starting], denied)
    expect(rules['NETPOL']!.slice(2)).toEqual(['-s 10.0.0.0/24 -j NEW', '-j MARK --set-xmark 0x0/0x80000'])
    expect(rules['NEW']).toEqual(['-s 10.0.0.5 -j RETURN', '-j DROP'])
  })

  it.each<[string, Pod]>([
    ['on another node', { ...starting, spec: { ...starting.spec, nodeName: 'n2' } } as Pod],
    ['on the network of the node', { ...starting, spec: { ...starting.spec, hostNetwork: true } } as Pod],
    ['that no policy selects', { ...starting, metadata: { ...starting.metadata, labels: {} } }],
    ['that has ended', { ...starting, status: { phase: 'Failed' } } as Pod],
  ])('changes nothing %s', (_, one) => expect(rulesWith([one], denied)).toEqual({}))
})

describe('a peer', () => {
  const from = (peer: object) => rulesOf(policy({ ingress: [{ from: [peer] }] }))
  it.each([
    ['is a pod of the same namespace', { podSelector: { matchLabels: { app: 'client' } } }, ['-s 10.0.0.2 ALLOW']],
    ['is no pod of another', { podSelector: { matchLabels: { app: 'other' } } }, []],
    [
      'is every pod of chosen namespaces, and no node',
      { namespaceSelector: { matchLabels: { team: 'b' } } },
      ['-s 10.0.1.1 ALLOW'],
    ],
    [
      'is chosen by both selectors',
      { namespaceSelector: {}, podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['client', 'other'] }] } },
      ['-s 10.0.0.2 ALLOW', '-s 10.0.1.1 ALLOW'],
    ],
    ['is a range', { ipBlock: { cidr: '192.0.2.0/24' } }, ['-s 192.0.2.0/24 ALLOW']],
    ['of the other address family is nobody', { ipBlock: { cidr: 'fd00::/8' } }, []],
  ] as [string, object, string[]][])('%s', (_, peer, lines) => expect(from(peer)['P']).toEqual(lines))

  it('is a range but for its exceptions', () => {
    const rules = from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } })
    expect(rules['P']).toEqual(['-s 10.0.0.0/8 -j B-0'])
    expect(rules['B-0']).toEqual(['-s 10.1.0.0/16 -j RETURN', 'ALLOW'])
  })

  it('is everyone when none is named', () => {
    expect(rulesOf(policy({ ingress: [{}] }))['P']).toEqual(['ALLOW'])
    expect(rulesOf(policy({ ingress: [{ from: [] }] }))['P']).toEqual(['ALLOW'])
  })
})

describe('a port', () => {
  const ingress = (...ports: object[]) => rulesOf(policy({ ingress: [{ ports }] } as NetworkPolicySpec))['R']
  it.each([
    ['is a number', { protocol: 'TCP', port: 80 }, ['-p tcp -m tcp --dport 80 ALLOW']],
    ['is TCP unless it says otherwise', { port: 80 }, ['-p tcp -m tcp --dport 80 ALLOW']],
    ['is a range', { protocol: 'UDP', port: 80, endPort: 90 }, ['-p udp -m udp --dport 80:90 ALLOW']],
    ['is a whole protocol', { protocol: 'SCTP' }, ['-p sctp ALLOW']],
    ['has the name that the receiver gives it', { port: 'http' }, ['-d 10.0.0.1 -p tcp -m tcp --dport 80 ALLOW']],
    ['that nobody has allows nothing', { port: 'nothing' }, []],
  ] as [string, object, string[]][])('%s', (_, port, lines) => expect(ingress(port)).toEqual(lines))

  it('of egress has the name that the peer gives it', () => {
    const rules = rulesOf(
      policy({
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'http' }] }],
      }),
    )
    expect(rules['R']).toEqual(['-d 10.0.0.2 -p tcp -m tcp --dport 81 ALLOW'])
    expect(rules['P']).toEqual(['-d 10.0.0.2 -j R'])
  })
})

it('a pod asks every policy that selects it, in the order of their names', () => {
  const rules = rulesOf(policy({ ingress: [{}] }, 'z'), policy({ podSelector: {} }, 'b'))
  expect(rules['IN']!.filter((line) => line === '-j P')).toHaveLength(2)
})

it('names no chain longer than the kernel takes', () => {
  const except = [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }]
  const all = computePolicyRules(
    [policy({ ingress: [{ from: except, ports: [{ port: 1 }] }], egress: [{ to: except }] })],
    pods,
    namespaces,
    { name: 'n1', family: 'IPv4', podRanges: [] },
  )
  for (const chain of all.keys()) expect(chain.replace('mangle/', '').length).toBeLessThanOrEqual(28)
})
