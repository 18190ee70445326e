/** A containerd root folder that already holds the start images, unpacked: what each new node's containerd starts from. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Starts a containerd of its own, imports the archives, stops it and leaves its root in `target`.
 * The CRI plugin is off: it would look for CNI and the kubelet's world, and importing needs neither.
 */
export async function seedContainerdRoot(target: string, archives: string[]): Promise<void> {
  const state = await mkdtemp(path.join(tmpdir(), 'kubelab-seed-'))
  const root = `${target}.new`
  await rm(root, { recursive: true, force: true })
  await mkdir(root, { recursive: true, mode: 0o711 })
  const socket = path.join(state, 'containerd.sock')
  const config = path.join(state, 'config.toml')
  await writeFile(
    config,
    `version = 2\nroot = "${root}"\nstate = "${state}/run"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "${socket}"\n`,
  )
  const containerd = spawn('containerd', ['--config', config, '--log-level', 'warn'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaints = ''
  containerd.stderr.on('data', (text: Buffer) => (complaints = (complaints + text.toString()).slice(-4000)))
  const exited = once(containerd, 'exit')
  const ctr = (...words: string[]) => run('ctr', ['--address', socket, '--connect-timeout', '10s', '-n', 'k8s.io', ...words])
  try {
    await Promise.race([ctr('version'), exited.then(() => Promise.reject(new Error(`Cannot start containerd: ${complaints}`)))])
    for (const archive of archives) await ctr('images', 'import', archive)
  } finally {
    containerd.kill('SIGTERM')
    await exited
    await rm(state, { recursive: true, force: true })
  }
  await rm(target, { recursive: true, force: true })
  await rename(root, target)
}
