/**
 * The whole path, as a user walks it: a lab comes up, stock kubectl applies, containers answer through a service, everything
 * breaks and mends, and the machine is as it was before.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findKubectls, type Kubectl } from './kubectls.ts'
import { processes, takeNetworkSnapshot, takeSnapshot } from './machine-snapshot.ts'
import { kubelabProgram, root, run, runAny, type RunOptions } from './run.ts'

const LAB = 'e2e'
const NAMESPACE = 'shop'
/** Longer than anything takes on a machine that others use too: a wait ends when what it is for has come. */
const PATIENCE = { timeout: 60_000, interval: 200 }

let folder: string
let kubeconfig: string
let kubectls: Kubectl[]
let before: ReturnType<typeof takeSnapshot>
let networkBefore: ReturnType<typeof takeNetworkSnapshot>
/** Other labs of the machine share its links and routes; alone, the lab must leave both as they were. */
const alone = () => !existsSync('/run/kubelab') || readdirSync('/run/kubelab').every((name) => name === LAB)

const kubelab = (words: string, options?: RunOptions) =>
  run(kubelabProgram, words.split(' '), { env: { KUBECONFIG: kubeconfig }, ...options })
const kubectl = (words: string, options?: RunOptions) =>
  run(kubectls[0]!.program, ['-n', NAMESPACE, ...words.split(' ')], { env: { KUBECONFIG: kubeconfig }, ...options })
const inShell = (script: string, options?: RunOptions) =>
  run(kubectls[0]!.program, ['-n', NAMESPACE, 'exec', 'shell', '--', 'sh', '-c', script], {
    env: { KUBECONFIG: kubeconfig },
    ...options,
  })
const json = async <T>(words: string) => JSON.parse(await kubectl(`${words} -o json`)) as T

interface PodList {
  items: {
    metadata: { name: string; uid: string; deletionTimestamp?: string }
    spec: { nodeName: string }
    status: { containerStatuses?: { restartCount: number }[] }
  }[]
}
const webPods = async () => (await json<PodList>('get pods -l app=web')).items.filter((pod) => !pod.metadata.deletionTimestamp)
const available = (replicas: number) =>
  kubectl(`wait deployment/web --for=jsonpath={.status.availableReplicas}=${replicas} --timeout=60s`)
const manifest = (name: string) => readFile(path.join(root, 'manifests', name), 'utf8')

/** Process ids, as the host sees them, of programs whose command line and environment hold these words. */
function findProcesses(commandLine: string, environment = ''): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return words.includes(commandLine) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(environment)
      } catch {
        return false
      }
    })
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kubelab-e2e-'))
  kubeconfig = path.join(folder, 'config')
  kubectls = await findKubectls()
  before = takeSnapshot(LAB)
  networkBefore = takeNetworkSnapshot()
})

afterAll(async () => {
  await runAny(kubelabProgram, ['delete', '--lab', LAB], { env: { KUBECONFIG: kubeconfig } })
  await rm(folder, { recursive: true })
})

describe('a lab from nothing', () => {
  it('comes up with three Ready nodes and a context in the kubeconfig', async () => {
    const said = await kubelab(`up --lab ${LAB}`)
    expect(said).toContain('node-3 Ready')
    expect(await kubectl('config current-context')).toBe(`kubelab-${LAB}\n`)
    expect((await kubectl('get nodes -o name')).split('\n').filter(Boolean)).toEqual([
      'node/node-1',
      'node/node-2',
      'node/node-3',
    ])
  })

  it('runs three pods on three nodes from one apply', async () => {
    await kubectl(`create namespace ${NAMESPACE}`)
    await kubectl('apply -f -', { input: await manifest('shell.yaml') })
    const patient = (await manifest('web.yaml')).replace(
      '      containers:',
      `      tolerations:
        - { key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 2 }
        - { key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 2 }
      containers:`,
    )
    expect(await kubectl('apply -f -', { input: patient })).toBe('deployment.apps/web created\nservice/web created\n')
    await kubectl('rollout status deployment/web --timeout=60s')
    await kubectl('wait pod/shell --for=condition=Ready --timeout=60s')
    expect(new Set((await webPods()).map((pod) => pod.spec.nodeName)).size).toBe(3)
  })

  it('is understood by every stock kubectl at hand', async () => {
    for (const { program, version } of kubectls) {
      const table = await run(program, ['-n', NAMESPACE, 'get', 'deployment,pods,service'], { env: { KUBECONFIG: kubeconfig } })
      expect(table, version).toMatch(/deployment.apps\/web\s+3\/3\s+3\s+3/)
      expect(table, version).toMatch(/pod\/shell\s+1\/1\s+Running\s+0/)
      const applied = await run(program, ['-n', NAMESPACE, 'apply', '-f', '-'], {
        env: { KUBECONFIG: kubeconfig },
        input: await manifest('config.yaml'),
      })
      expect(applied, version).toMatch(
        /^configmap\/greeting (created|unchanged)\nsecret\/password (created|unchanged|configured)\npod\/reader (created|unchanged|configured)\n$/,
      )
    }
    await kubectl('wait pod/reader --for=condition=Ready --timeout=60s')
    await expect.poll(() => kubectl('logs reader'), PATIENCE).toBe('hello from a config map\nand a secret\n')
  })

  it('a pod reaches the service by its cluster address and meets all three pods', async () => {
    const address = await kubectl('get service web -o jsonpath={.spec.clusterIP}')
    const answers = await inShell(`i=0; while [ $i -lt 100 ]; do wget -qO- http://${address}/ || echo FAILED; i=$((i+1)); done`)
    const lines = answers.trim().split('\n')
    expect(lines).toHaveLength(100)
    expect(lines.filter((line) => !line.startsWith('version=1.0 '))).toEqual([])
    expect(new Set(lines.map((line) => / pod=(\S+)/.exec(line)?.[1])).size).toBe(3)
  })

  it('traces the way from the apply to running containers in eight steps', async () => {
    const trace = await kubelab(`trace deployment/web -n ${NAMESPACE}`)
    for (const step of [
      'creates deployments/web',
      'creates replicasets/web-',
      'creates pods/web-',
      'kube-scheduler binds pods/web-',
      'kubelet node-1 patches pods/web-',
      'updates endpointslices/web-',
    ]) {
      expect(trace).toContain(step)
    }
    expect(trace).toMatch(/\d+(\.\d+)? ms/)
  })
})

describe('a working deployment', () => {
  it('scales up and down', async () => {
    await kubectl('scale deployment/web --replicas=5')
    await available(5)
    await kubectl('scale deployment/web --replicas=3')
    await available(3)
  })

  it('rolls to a new version under load with no failed request, and back', async () => {
    const address = await kubectl('get service web -o jsonpath={.spec.clusterIP}')
    const load = inShell(`while [ ! -e /tmp/stop ]; do timeout 5 wget -qO- http://${address}/ || echo FAILED; done`)
    await kubectl('set image deployment/web web=docker.io/kubelab/web:2.0')
    await kubectl('rollout status deployment/web --timeout=90s')
    await kubectl('rollout undo deployment/web')
    await kubectl('rollout status deployment/web --timeout=90s')
    await inShell('touch /tmp/stop')
    const lines = (await load).trim().split('\n')
    expect(lines.filter((line) => line === 'FAILED')).toEqual([])
    expect(new Set(lines.map((line) => /version=(\S+)/.exec(line)?.[1]))).toEqual(new Set(['1.0', '2.0']))
  })

  it('restarts a container that is killed', async () => {
    const [pod] = await webPods()
    const pids = findProcesses('/server.pl', `POD_NAME=${pod!.metadata.name}`)
    expect(pids.length).toBeGreaterThan(0)
    pids.forEach((pid) => process.kill(pid, 'SIGKILL'))
    await kubectl(`wait pod/${pod!.metadata.name} --for=jsonpath={.status.containerStatuses[0].restartCount}=1 --timeout=60s`)
    await kubectl(`wait pod/${pod!.metadata.name} --for=condition=Ready --timeout=60s`)
  })

  it('replaces a pod that is deleted', async () => {
    const [pod] = await webPods()
    await kubectl(`delete pod ${pod!.metadata.name}`)
    await available(3)
    expect((await webPods()).map(({ metadata }) => metadata.uid)).not.toContain(pod!.metadata.uid)
  })
})

describe('a node that loses power', () => {
  it('is noticed, its pods move, and it comes back', { timeout: 240_000 }, async () => {
    await kubelab(`node stop node-3 --lab ${LAB}`)
    await kubectl('wait node/node-3 --for=condition=Ready=Unknown --timeout=120s')
    await expect.poll(async () => (await webPods()).map(({ spec }) => spec.nodeName), PATIENCE).not.toContain('node-3')
    await available(3)
    await loadImageWithout('node-3')
    await kubelab(`node start node-3 --lab ${LAB}`)
    await kubectl('wait node/node-3 --for=condition=Ready --timeout=60s')
    await kubectl('wait pod/shell --for=condition=Ready --timeout=60s')
  })

  /** An image still comes to the nodes that are on, and the one that is off is named. */
  async function loadImageWithout(node: string): Promise<void> {
    const archive = '/var/lib/kubelab/images/pause.tar'
    const { code, stdout, stderr } = await runAny(kubelabProgram, ['image', 'load', '--lab', LAB, archive])
    expect(stdout).toMatch(/^loaded \S+ on 2 of 3 nodes$/m)
    expect(stderr).toContain(`Cannot load ${archive} on ${node}: the node is switched off`)
    expect(code).toBe(1)
  }
})

describe('kill -9', () => {
  interface Status {
    processes: { name: string; state: string; pid?: number; restarts: number }[]
  }
  const status = async () => JSON.parse(await kubelab(`status --lab ${LAB} -o json`)) as Status

  it('of each process in turn leaves a cluster that works', { timeout: 300_000 }, async () => {
    const { processes } = await status()
    for (const { name } of processes) {
      const victim = (await status()).processes.find((process) => process.name === name)!
      const inner = childrenOf(victim.pid!)
      process.kill(inner[0] ?? victim.pid!, 'SIGKILL')
      await kubectlEventually(`annotate deployment/web killed=${name} --overwrite`)
      await kubectl(`scale deployment/web --replicas=4`)
      await available(4)
      await kubectl(`scale deployment/web --replicas=3`)
      await available(3)
      const restarts = async () => (await status()).processes.find((process) => process.name === name)?.restarts
      await expect.poll(restarts, { ...PATIENCE, message: name }).toBe(victim.restarts + 1)
    }
  })

  it('of the supervisor and of its guardian leaves a cluster that works', async () => {
    for (const [program, environment] of [
      ['lab-supervisor.js', `LAB=${LAB}\0`],
      ['flock 3', `LAB=${LAB}\0`],
    ] as const) {
      const pids = findProcesses(program, environment)
      expect(pids.length, program).toBeGreaterThan(0)
      pids.forEach((pid) => process.kill(pid, 'SIGKILL'))
      await kubectlEventually('get nodes')
      await kubectl('delete pod -l app=web --wait=false')
      await available(3)
    }
  })

  function childrenOf(pid: number): number[] {
    if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'nsenter') return []
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  }

  /** While the API server itself is away a call fails at once; kubectl has no flag that waits for it. */
  async function kubectlEventually(words: string): Promise<void> {
    const deadline = Date.now() + 60_000
    for (;;) {
      const failure = await kubectl(words).then(
        () => null,
        (error: unknown) => error,
      )
      if (failure === null) return
      if (Date.now() > deadline) throw failure
    }
  }
})

describe('the end of a lab', () => {
  it('survives down and up with its objects', async () => {
    const { hostname } = new URL(await kubectl('config view --minify -o jsonpath={.clusters[0].cluster.server}'))
    await kubelab(`down --lab ${LAB}`)
    // What the kubeconfig goes on naming leads nowhere, and to no other network least of all.
    expect(await runAny('ip', ['route', 'get', hostname])).not.toMatchObject({ code: 0 })
    await kubelab(`up --lab ${LAB}`)
    await kubectl('wait pod/shell --for=condition=Ready --timeout=60s')
    await available(3)
  })

  it('deletes a namespace with all that is in it', async () => {
    await kubectl(`delete namespace ${NAMESPACE} --timeout=60s`)
    expect(await kubectl('get all -A --ignore-not-found -l app=web -o name')).toBe('')
  })

  it('leaves the machine as it was', async () => {
    const nodes = new Set(
      processes()
        .filter(({ words }) => words === 'catatonit -- sleep infinity')
        .map(({ namespace }) => namespace),
    )
    const wasAlone = alone()
    await kubelab(`delete --lab ${LAB}`)
    expect(takeSnapshot(LAB)).toEqual(before)
    if (!wasAlone) return
    expect(processes().filter(({ namespace }) => nodes.has(namespace))).toEqual([])
    expect(takeNetworkSnapshot()).toEqual(networkBefore)
    expect(
      (await runAny(kubectls[0]!.program, ['config', 'current-context'], { env: { KUBECONFIG: kubeconfig } })).code,
    ).not.toBe(0)
  })
})
