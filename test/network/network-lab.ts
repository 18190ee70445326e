/** A lab for these tests, and what they do to it again and again. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { vi } from 'vitest'
import type { KindName, Kinds } from '../../api/kinds.ts'
import type { KubeObject, New } from '../../api/object.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { createApiClient } from '../../client/rest-client.ts'
import { kubelabProgram, root, run, runAny } from '../e2e/run.ts'
import type { Tally } from './load.ts'

export const NAMESPACE = 'ways'
/** Longer than anything takes on a machine that others use too: a wait ends when what it is for has come. */
export const PATIENCE = { timeout: 60_000, interval: 100 }

const server = path.join(import.meta.dirname, 'server.ts')
/** Seen by pods under the same path. */
const node = path.join(root, 'node_modules/.bin/node')
const loadProgram = path.join(import.meta.dirname, 'load.ts')

export interface NetworkLab {
  client: ApiClient
  kubelab(...words: string[]): Promise<string>
  create<K extends KindName>(kind: K, name: string, rest: object): Promise<Kinds[K]>
  /** Constant requests from inside a pod, until it is called again. */
  loadFrom(pod: string, url: string): () => Promise<Tally>
  /** What the pod's server says at this path. */
  ask(pod: string, path: string): Promise<string>
  /** Ends processes of this lab with this word in their command line, as a crash does. Answers how many. */
  crash(word: string): number
}

export async function startNetworkLab(
  name: string,
  onTestsEnd: (remove: () => Promise<void>) => void,
  ...flags: string[]
): Promise<NetworkLab> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-network-'))
  const kubeconfig = path.join(folder, 'config')
  const env = { KUBECONFIG: kubeconfig }
  const kubelab = (...words: string[]) => run(kubelabProgram, words, { env })
  const removeLab = async () => {
    await runAny(kubelabProgram, ['delete', '--lab', name], { env })
    rmSync(folder, { recursive: true })
  }
  // Also when the tests cannot even begin.
  onTestsEnd(removeLab)
  await kubelab('up', '--lab', name, ...flags)
  const client = createApiClient(await loadClientConfig({ path: kubeconfig }))
  onTestsEnd(() => client.close())
  const key = (object: string) => ({ namespace: NAMESPACE, name: object })
  await client.create('Namespace', { metadata: { name: NAMESPACE } } as New<Kinds['Namespace']>)
  await vi.waitFor(() => client.get('ServiceAccount', key('default')), PATIENCE)

  return {
    client,
    kubelab,
    create: (kind, object, rest) =>
      client.create(kind, { metadata: key(object), ...rest } as unknown as New<KubeObject> as never),
    loadFrom(pod, url) {
      const words = ['exec', '-n', NAMESPACE, '-i', pod, '--', node, '--no-warnings', loadProgram, url]
      const child = spawn(kubelabProgram, words, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
      const text = new Promise<string>((resolve) => {
        let all = ''
        child.stdout.on('data', (chunk: Buffer) => (all += chunk.toString()))
        child.on('close', () => resolve(all))
      })
      return async () => {
        child.stdin.end()
        return JSON.parse(await text) as Tally
      }
    },
    // Nothing but a lab's members reaches its pods: by way of the API server.
    ask: (pod, question) =>
      client.raw<string>('GET', `/api/v1/namespaces/${NAMESPACE}/pods/${pod}:8080/proxy${question}`, { accept: 'text/plain' }),
    crash(word) {
      const victims = processesOf(name, word)
      for (const pid of victims) process.kill(pid, 'SIGKILL')
      return victims.length
    },
  }
}

/** Other labs of the machine run the same programs: ours are in our cgroup or name our folder. */
function processesOf(lab: string, word: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        // The wrapper that enters a node's namespaces has the words of its child.
        if (!words.includes(word) || !words.startsWith(root)) return false
        return words.includes(`/kubelab/${lab}/`) || readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/kubelab/${lab}/`)
      } catch {
        return false
      }
    })
}

/** A container that runs the tests' server, by the host's Node and this folder's sources. */
export const serverPod = (extra: object = {}) => ({
  terminationGracePeriodSeconds: 10,
  containers: [
    {
      name: 'server',
      image: 'docker.io/kubelab/runtime:1',
      imagePullPolicy: 'IfNotPresent',
      command: [node, '--no-warnings', server],
      ports: [{ name: 'http', containerPort: 8080 }],
      readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
      volumeMounts: [{ name: 'sources', mountPath: root, readOnly: true }],
    },
  ],
  volumes: [{ name: 'sources', hostPath: { path: root, type: 'Directory' } }],
  ...extra,
})
