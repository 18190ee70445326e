/**
 * The service network of a whole lab, under traffic from pods and from the host: it goes on while pods are exchanged and its own
 * parts end, and what changes in the cluster changes the traffic. `KUBELAB_PROXY_MODE=iptables` runs it over the other backend,
 * `KUBELAB_POD_LIVES=500` the churn at full size.
 */
import { existsSync, readdirSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { Client, credentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Pod } from '../../api/generated/types.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { load } from './load.ts'
import { NAMESPACE, PATIENCE, serverPod, startNetworkLab, type NetworkLab } from './network-lab.ts'
import { echoService } from './server.ts'

const LAB = 'ways'
const LIVES = Number(process.env.KUBELAB_POD_LIVES ?? 8)
const labels = { app: 'web' }
const key = (name: string) => ({ namespace: NAMESPACE, name })

let lab: NetworkLab
let clusterIP: string
let balancer: string
let ingress: string
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  lab = await startNetworkLab(
    LAB,
    (end) => void ends.unshift(end),
    '--nodes',
    '2',
    '--proxy-mode',
    process.env.KUBELAB_PROXY_MODE ?? 'nftables',
  )
  await Promise.all([
    lab.create('Deployment', 'web', {
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: { metadata: { labels }, spec: serverPod() },
      },
    }),
    lab.create('Pod', 'client', {
      // A question that is lost is asked again after a second, not five.
      spec: serverPod({ dnsConfig: { options: [{ name: 'timeout', value: '1' }] } }),
    }),
    lab.create('Service', 'web', { spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 8080 }] } }),
    lab.create('Service', 'grpc', {
      spec: { selector: labels, ports: [{ name: 'grpc', port: 80, targetPort: 9090, appProtocol: 'kubernetes.io/h2c' }] },
    }),
    lab.create('Service', 'balanced', {
      spec: { type: 'LoadBalancer', selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    }),
    lab.create('Ingress', 'web', { spec: { rules: [rule('web.example', 'web'), rule('grpc.example', 'grpc')] } }),
  ])
  const ready = <T>(ask: () => Promise<T>, holds: (answer: T) => boolean) =>
    vi.waitFor(async () => {
      const answer = await ask()
      if (!holds(answer)) throw new Error(`Cannot begin: ${String(answer)} is not what the tests wait for`)
      return answer
    }, PATIENCE)
  await ready(availableReplicas, (count) => count === 2)
  clusterIP = (await lab.client.get('Service', key('web'))).spec!.clusterIP!
  balancer = await ready(() => addressOf('Service', 'balanced'), Boolean)
  ingress = await ready(() => addressOf('Ingress', 'web'), Boolean)
  await ready(fetchThroughIngress, (name) => name.startsWith('web-'))
  await ready(
    () => lab.ask('client', '/'),
    (name) => name === 'client',
  )
})
afterAll(async () => {
  for (const end of ends) await end()
})

const rule = (host: string, service: string) => ({
  host,
  http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } }] },
})
async function addressOf(kind: 'Service' | 'Ingress', name: string): Promise<string> {
  return (await lab.client.get(kind, key(name))).status?.loadBalancer?.ingress?.[0]?.ip ?? ''
}
const availableReplicas = async () => {
  const { status, metadata } = await lab.client.get('Deployment', key('web'))
  const settled = status?.observedGeneration === metadata.generation && status?.replicas === 2 && status.updatedReplicas === 2
  return settled ? status.availableReplicas : undefined
}
async function fetchThroughIngress(): Promise<string> {
  const stop = AbortSignal.timeout(50)
  const { answers, failures } = await load(`http://${ingress}/`, stop, { host: 'web.example' })
  return Object.keys(answers)[0] ?? failures[0] ?? 'nothing'
}
const webPods = async (): Promise<Pod[]> =>
  (await lab.client.list('Pod', { namespace: NAMESPACE, labelSelector: 'app=web' })).items.filter(
    ({ metadata }) => !metadata.deletionTimestamp,
  )

describe('under constant load by cluster address, load balancer and ingress', () => {
  /** Loads all three ways while `work` is done; answers who answered, and every failure. */
  async function underLoad(work: () => Promise<void>) {
    const stop = new AbortController()
    const fromPod = lab.loadFrom('client', `http://${clusterIP}/`)
    const fromHost = [load(`http://${balancer}/`, stop.signal), load(`http://${ingress}/`, stop.signal, { host: 'web.example' })]
    await work().finally(() => stop.abort())
    const tallies = await Promise.all([fromPod(), ...fromHost])
    return { failures: tallies.map((tally) => tally.failures), answered: tallies.map((tally) => Object.keys(tally.answers)) }
  }

  it('a rolling update fails no request, and ends with the new pods alone', async () => {
    const before = await webPods()
    const { failures, answered } = await underLoad(async () => {
      const annotations = { round: '2' }
      await lab.client.patch(
        'Deployment',
        key('web'),
        { spec: { template: { metadata: { annotations } } } },
        { type: 'application/merge-patch+json' },
      )
      await expect.poll(availableReplicas, PATIENCE).toBe(2)
    })
    expect(failures).toEqual([[], [], []])
    for (const names of answered) expect(names.length).toBeGreaterThanOrEqual(3)
    const names = before.map(({ metadata }) => metadata.name)
    expect((await webPods()).map(({ metadata }) => metadata.name).filter((name) => names.includes(name))).toEqual([])
  })

  it('the proxies killed on every node stop nothing', async () => {
    const { failures } = await underLoad(async () => {
      expect(lab.crash('/kube-proxy.js')).toBe(2)
      // They are back when they follow a change again.
      await follow('after-crash')
    })
    expect(failures).toEqual([[], [], []])
  })
})

/** A service without pods gets an endpoint by hand: from refused to answered, by name and address. */
async function follow(name: string): Promise<void> {
  const [pod] = await webPods()
  const { spec } = await lab.create('Service', name, { spec: { ports: [{ port: 80 }] } })
  await expect.poll(() => lab.ask('client', `/fetch/${spec!.clusterIP}:80`), PATIENCE).toBe('failed')
  await lab.create('EndpointSlice', name, {
    metadata: { ...key(name), labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [pod!.status!.podIP!], conditions: { ready: true } }],
  })
  await expect.poll(() => lab.ask('client', `/fetch/${name}:80`), PATIENCE).toBe(pod!.metadata.name)
}

/** A connection that stays, and each word's echo. */
async function talk(address: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://${address}/`, { headers })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    say: (word: string) =>
      new Promise<string>((resolve, reject) => {
        socket.once('message', (message) => resolve(String(message)))
        socket.once('close', () => reject(new Error('closed')))
        socket.send(word)
      }),
    close: () => socket.terminate(),
  }
}

describe('through the ingress', () => {
  it('a WebSocket passes, and outlives a new configuration', async () => {
    const { say, close } = await talk(ingress, { host: 'web.example' })
    expect(await say('hello')).toMatch(/^web-\S+ hello$/)
    await lab.create('Ingress', 'another', { spec: { rules: [rule('another.example', 'web')] } })
    const another = () => load(`http://${ingress}/`, AbortSignal.timeout(30), { host: 'another.example' })
    await expect.poll(async () => Object.keys((await another()).answers)[0], PATIENCE).toMatch(/^web-/)
    expect(await say('still here')).toMatch(/^web-\S+ still here$/)
    close()
  })

  it('a client that keeps its connection is answered on it after a new configuration', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = () =>
      new Promise<{ status: number | undefined; reused: boolean }>((resolve, reject) => {
        const call = get(`http://${ingress}/`, { agent, headers: { host: 'web.example' } }, (response) =>
          response.resume().on('end', () => resolve({ status: response.statusCode, reused: call.reusedSocket })),
        )
        call.on('error', reject)
      })
    expect(await ask()).toEqual({ status: 200, reused: false })
    await lab.create('Ingress', 'fourth', { spec: { rules: [rule('fourth.example', 'web')] } })
    const fourth = () => load(`http://${ingress}/`, AbortSignal.timeout(30), { host: 'fourth.example' })
    await expect.poll(async () => Object.keys((await fourth()).answers)[0], PATIENCE).toMatch(/^web-/)
    expect(await ask()).toEqual({ status: 200, reused: true })
    agent.destroy()
  })

  it('TLS has the certificate of the name that is asked for, and a rule that is wrong is told and costs itself alone', async () => {
    const { cert, key: secret } = await createSelfSigned('test', ['tls.example'], [])
    const encode = (text: string) => Buffer.from(text).toString('base64')
    await lab.create('Secret', 'tls', {
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': encode(cert), 'tls.key': encode(secret) },
    })
    const tls = [{ hosts: ['tls.example'], secretName: 'tls' }]
    await lab.create('Ingress', 'tls', { spec: { tls, rules: [rule('tls.example', 'web'), rule('wrong.example', 'nobody')] } })
    const presented = (servername: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ host: ingress, port: 443, servername, rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerX509Certificate()?.subjectAltName))
          socket.destroy()
        })
        socket.on('error', reject)
      })
    await expect.poll(() => presented('tls.example').catch(String), PATIENCE).toBe('DNS:tls.example')
    expect(await presented('other.example')).toBe('DNS:ingress.local')
    const reasons = async () =>
      (await lab.client.list('Event', { namespace: NAMESPACE })).items
        .filter(({ involvedObject }) => involvedObject.kind === 'Ingress' && involvedObject.name === 'tls')
        .map(({ reason }) => reason)
    await expect.poll(reasons, PATIENCE).toContain('ServiceNotFound')
    await expect.poll(fetchThroughIngress, PATIENCE).toMatch(/^web-/)
  })

  it('gRPC passes', async () => {
    const client = new Client(`${ingress}:80`, credentials.createInsecure(), { 'grpc.default_authority': 'grpc.example' })
    const { path: method, requestSerialize, responseDeserialize } = echoService.say!
    const answer = await new Promise<unknown>((resolve, reject) =>
      client.makeUnaryRequest(method, requestSerialize, responseDeserialize, Buffer.from('hello'), (error, bytes) =>
        error ? reject(error) : resolve(bytes),
      ),
    )
    expect(String(answer)).toMatch(/^web-\S+ hello$/)
    client.close()
  })
})

describe('comes back by itself', () => {
  it('the DNS, killed', async () => {
    await expect.poll(() => lab.ask('client', '/resolve/web'), PATIENCE).toBe(clusterIP)
    expect(lab.crash('/kube-dns.js')).toBe(1)
    await expect.poll(() => lab.ask('client', '/resolve/web').catch(String), PATIENCE).toBe(clusterIP)
  })

  it('the ingress controller, killed with its HAProxy', async () => {
    expect(lab.crash('/ingress.js')).toBe(1)
    await expect.poll(() => fetchThroughIngress().catch(String), PATIENCE).toMatch(/^web-/)
  })
})

describe('what changes in the cluster', () => {
  it('is in the next answer: a headless service has the addresses of its pods', async () => {
    await lab.create('Service', 'each', { spec: { clusterIP: 'None', selector: labels, ports: [{ port: 8080 }] } })
    const addresses = (await webPods()).map(({ status }) => status!.podIP!)
    await expect.poll(() => lab.ask('client', '/resolve/each'), PATIENCE).toBe(addresses.toSorted().join())
  })

  it('takes effect on traffic: a policy denies, and its end allows', async () => {
    const ask = () => lab.ask('client', `/fetch/${clusterIP}:80`)
    await expect.poll(ask, PATIENCE).toMatch(/^web-/)
    await lab.create('NetworkPolicy', 'deny', { spec: { podSelector: { matchLabels: labels }, policyTypes: ['Ingress'] } })
    await expect.poll(ask, PATIENCE).toBe('failed')
    await lab.client.delete('NetworkPolicy', key('deny'))
    await expect.poll(ask, PATIENCE).toMatch(/^web-/)
  })
})

describe('pod addresses', () => {
  it(`are never two pods' at once, nor lost, over ${LIVES} lives`, { timeout: 120_000 + LIVES * 2_000 }, async () => {
    const reserved = () =>
      [1, 2].flatMap((number) => {
        const folder = path.join('/var/lib/kubelab', LAB, 'nodes', `node-${number}`, 'cni-state/ipam/kubelab')
        return existsSync(folder) ? readdirSync(folder).filter((name) => /^[\d.]+$/.test(name)) : []
      })
    const before = reserved().toSorted()
    const holders = new Map<string, string>()
    const doubles: string[] = []
    const stop = new AbortController()
    const { metadata } = await lab.client.list('Pod', { namespace: NAMESPACE })
    const watching = (async () => {
      const options = {
        namespace: NAMESPACE,
        labelSelector: 'app=brief',
        resourceVersion: metadata.resourceVersion,
        signal: stop.signal,
      }
      for await (const { type, object } of lab.client.watch('Pod', options)) {
        const { name } = object.metadata
        const { podIP, phase } = object.status ?? {}
        if (type === 'DELETED' || phase === 'Succeeded') {
          for (const [ip, holder] of holders) if (holder === name) holders.delete(ip)
        } else if (podIP) {
          const holder = holders.get(podIP)
          if (holder !== undefined && holder !== name) doubles.push(`${podIP}: ${holder}, ${name}`)
          holders.set(podIP, name)
        }
      }
    })().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error
    })
    const live = async (name: string, end: 'by itself' | 'deleted') => {
      const command = ['sh', '-c', end === 'deleted' ? 'trap "exit 0" TERM; sleep 1000 & wait' : 'true']
      await lab.create('Pod', name, {
        metadata: { ...key(name), labels: { app: 'brief' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox', imagePullPolicy: 'IfNotPresent', command }] },
      })
      const phase = async () => (await lab.client.get('Pod', key(name))).status?.phase
      await expect.poll(phase, PATIENCE).toBe(end === 'deleted' ? 'Running' : 'Succeeded')
      await lab.client.delete('Pod', key(name))
      await expect
        .poll(
          () =>
            lab.client.get('Pod', key(name)).then(
              () => 'there',
              () => 'gone',
            ),
          PATIENCE,
        )
        .toBe('gone')
    }
    let next = 0
    const lane = async () => {
      for (let life = next++; life < LIVES; life = next++) await live(`brief-${life}`, life % 2 ? 'by itself' : 'deleted')
    }
    await Promise.all(Array.from({ length: 6 }, lane))
    stop.abort()
    await watching
    expect(doubles).toEqual([])
    await expect.poll(() => reserved().toSorted(), PATIENCE).toEqual(before)
  })
})

// The last of all: the lab has one node less after it.
describe('a load balancer', () => {
  it('refuses a port that its service does not have, on whichever node', async () => {
    const refusal = () =>
      new Promise<string | undefined>((resolve) => {
        connect(81, balancer)
          .once('connect', () => resolve(undefined))
          .once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      })
    expect([await refusal(), await refusal(), await refusal()]).toEqual(Array(3).fill('ENETUNREACH'))
  })
})

describe('a node that loses its power', () => {
  it('takes none of the connections along that the other one serves', async () => {
    const pinned = { app: 'pinned' }
    const names = new Map([
      ['on-node-1', 'node-1'],
      ['on-node-2', 'node-2'],
    ])
    for (const [name, nodeName] of names) {
      await lab.create('Pod', name, { metadata: { ...key(name), labels: pinned }, spec: serverPod({ nodeName }) })
    }
    await lab.create('Service', 'local', {
      spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector: pinned, ports: [{ port: 80, targetPort: 8080 }] },
    })
    let local = ''
    await expect.poll(async () => (local = await addressOf('Service', 'local')), PATIENCE).not.toBe('')
    const seen = new Set<string>()
    const request = async () => {
      for (const name of Object.keys((await load(`http://${local}/`, AbortSignal.timeout(30))).answers)) seen.add(name)
      return [...seen].toSorted()
    }
    await expect.poll(request, PATIENCE).toEqual([...names.keys()])
    const talks = await Promise.all(Array.from({ length: 16 }, () => talk(local)))
    const echoes = await Promise.all(talks.map(({ say }) => say('before')))
    const healthy = talks.filter((_, index) => echoes[index]!.startsWith('on-node-1 '))
    expect(healthy.length).toBeGreaterThan(0)
    await lab.kubelab('node', 'stop', 'node-2', '--lab', LAB)
    // New connections find their way again, and the old ones never noticed.
    await expect.poll(async () => (await load(`http://${local}/`, AbortSignal.timeout(300))).failures, PATIENCE).toEqual([])
    for (const { say } of healthy) expect(await say('after')).toBe('on-node-1 after')
    for (const { close } of talks) close()
  })
})
