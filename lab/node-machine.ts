/**
 * A node as a machine: network, mount, PID and UTS namespaces around one init process. Ending that process is a power cut.
 *
 * Each node has its own /run, kubelet folder and pod logs by bind mounts; the rest of the file system is the host's.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { type LabDefinition, imagesFolder, labPaths, nodeNamespace } from './definition.ts'
import { cniConfig, containerdConfig } from './node-files.ts'
import { readIdentity, type ProcessIdentity, isAlive } from './process-identity.ts'

const run = promisify(execFile)

/** Host folders that a node hides behind its own. They must exist to be mounted over. */
const HIDDEN = ['/var/lib/kubelet', '/var/lib/cni', '/var/log/pods', '/var/log/containers'] as const

const NEW_NAMESPACES = ['--pid', '--mount', '--uts', '--fork', '--mount-proc', '--kill-child']
const NODE_NAMESPACES = ['--net', '--mount', '--pid', '--uts']

/** CAP_SYS_RESOURCE, bit 24: sandboxes and nested containers often lack it. */
const mayLowerOomScore = () => {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> 24n) & 1n) === 1n
}

/** Everything on disk that a node's programs read, written before they start. Cheap when it is there already. */
export async function prepareNodeFiles(lab: LabDefinition, node: string): Promise<void> {
  const paths = labPaths(lab.name).node(node)
  for (const folder of [paths.kubelet, paths.cni, paths.cniState, paths.logPods, paths.logContainers, paths.run]) {
    await mkdir(folder, { recursive: true })
  }
  for (const folder of HIDDEN) await mkdir(folder, { recursive: true })
  if (!existsSync(paths.containerd)) await copySeed(path.join(imagesFolder, 'containerd'), paths.containerd)
  await writeFile(
    path.join(paths.state, 'containerd.toml'),
    containerdConfig(lab, node, { mayLowerOomScore: mayLowerOomScore() }),
  )
  await writeFile(path.join(paths.state, 'boot.sh'), boot(lab, node))
  await writeFile(path.join(paths.cni, '10-kubelab.conflist'), cniConfig(lab, node))
  await writeFile(path.join(paths.kubelet, 'resolv.conf'), lab.internet ? readFileSync('/etc/resolv.conf') : '')
}

/**
 * The seed holds the start images already unpacked: no import at the node's start. Its files are linked, not copied: layers and
 * blobs are never changed, only unlinked; containerd's databases are, so each node gets its own.
 */
async function copySeed(seed: string, target: string): Promise<void> {
  const fresh = `${target}.new`
  await rm(fresh, { recursive: true, force: true })
  // A lab may have a disk of its own, to which nothing can be linked.
  const [from, to] = await Promise.all([stat(seed), stat(path.dirname(target))])
  await run('cp', [from.dev === to.dev ? '-al' : '-a', seed, fresh])
  const databases = (await readdir(seed, { recursive: true })).filter((file) => file.endsWith('.db'))
  for (const file of databases) {
    await rm(path.join(fresh, file))
    await copyFile(path.join(seed, file), path.join(fresh, file))
  }
  await rename(fresh, target)
}

/** Runs inside the new namespaces as their first program; then becomes the init that reaps orphans. */
const boot = (lab: LabDefinition, node: string) => {
  const paths = labPaths(lab.name).node(node)
  const binds: [string, string][] = [
    [paths.kubelet, '/var/lib/kubelet'],
    [paths.cniState, '/var/lib/cni'],
    [paths.logPods, '/var/log/pods'],
    [paths.logContainers, '/var/log/containers'],
    [paths.run, '/run'],
  ]
  return [
    'set -e',
    `hostname ${node}`,
    ...binds.map(([from, to]) => `mount --bind ${from} ${to}`),
    // Volumes that a container mounts inside its own (Bidirectional) must be seen by the kubelet.
    'mount --make-shared /var/lib/kubelet',
    'mkdir -p /run/containerd /run/netns /run/lock',
    // With a child of its own catatonit also reaps what loses its parent; as a pause (-P) it would leave zombies.
    'exec catatonit -- sleep infinity',
  ].join('\n')
}

/** Switches a node on. Answers its init, as the host sees it; an init that still lives is kept. */
export async function powerOn(lab: LabDefinition, node: string): Promise<ProcessIdentity> {
  const paths = labPaths(lab.name).node(node)
  const running = runningInit(lab, node)
  if (running) return running
  // What is in /run belongs to the boot before.
  await rm(paths.run, { recursive: true, force: true })
  await mkdir(paths.run, { recursive: true })
  const words = [`--net=/run/netns/${nodeNamespace(lab, node)}`, 'unshare', ...NEW_NAMESPACES, 'sh', '-c', boot(lab, node)]
  // Detached: the node outlives a supervisor that is restarted.
  const child = spawn('nsenter', words, { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ignore'] })
  const init = await firstChild(child.pid!, child.stderr!)
  child.unref()
  await writeFile(paths.initPid, JSON.stringify(init))
  return init
}

/** The init once it has become catatonit, which says that all mounts stand. */
async function firstChild(parent: number, stderr: NodeJS.ReadableStream): Promise<ProcessIdentity> {
  let complaint = ''
  stderr.on('data', (text: Buffer) => (complaint += text.toString()))
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline && existsSync(`/proc/${parent}`)) {
    const pid = Number(readChildren(parent).split(' ')[0])
    const identity = pid ? readIdentity(pid) : undefined
    if (identity?.name === 'catatonit') return identity
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`Cannot switch the node on: ${complaint.trim() || 'its namespaces did not come up in 10 s'}`)
}

function readChildren(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  } catch {
    return ''
  }
}

export function runningInit(lab: LabDefinition, node: string): ProcessIdentity | undefined {
  const file = labPaths(lab.name).node(node).initPid
  if (!existsSync(file)) return undefined
  const identity = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  return isAlive(identity) ? identity : undefined
}

/** A power cut: every process of the node ends at once, without a word to anyone. */
export async function powerOff(lab: LabDefinition, node: string): Promise<void> {
  const init = runningInit(lab, node)
  if (!init) return
  process.kill(init.pid, 'SIGKILL')
  // The kernel ends all of the PID namespace before it lets go of its init.
  while (isAlive(init)) await new Promise((resolve) => setTimeout(resolve, 5))
  await rm(labPaths(lab.name).node(node).initPid, { force: true })
}

/** The words that run a command inside a node. */
export const inNode = (init: ProcessIdentity, command: readonly string[]): string[] => [
  'nsenter',
  '--target',
  String(init.pid),
  ...NODE_NAMESPACES,
  '--',
  ...command,
]
