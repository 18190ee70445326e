/** A node for the runtime suite: a containerd of its own, inside the namespaces that `runtime.test.ts` made for the process. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { connectCri } from '../../kubelet/runtime/cri-client.ts'
import { pauseImage, writeImages } from './oci-archive.ts'

export interface PrivateNode {
  directory: string
  socket: string
  cgroupRoot: string
  /** As a crash: nobody is told, containers go on. */
  killRuntime(): Promise<void>
  startRuntime(): Promise<void>
  stop(): Promise<void>
}

export const podCidr = '10.244.7.0/24'

/** Call it only inside own mount, network and PID namespaces: it mounts over /run. */
export async function startPrivateNode(): Promise<PrivateNode> {
  const directory = mkdtempSync(path.join('/var/tmp', process.env.KUBELAB_TEST_RUN ?? 'kubelab-node-'))
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  run('mount', '-t', 'tmpfs', 'tmpfs', '/run')
  run('ip', 'link', 'set', 'lo', 'up')
  // Nothing leaves: the namespace has no other link, and pods have addresses on its bridge only.
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
  for (const folder of ['cni', 'containerd', 'images']) mkdirSync(path.join(directory, folder))
  mkdirSync('/run/containerd', { recursive: true })
  writeFileSync(path.join(directory, 'cni/10-bridge.conflist'), cniConfig(directory))
  writeFileSync(path.join(directory, 'config.toml'), containerdConfig(directory))
  const socket = '/run/containerd/containerd.sock'
  const log = openSync(path.join(directory, 'containerd.log'), 'a')
  let containerd: ChildProcess
  const startRuntime = async () => {
    containerd = spawn('containerd', ['--config', path.join(directory, 'config.toml')], { stdio: ['ignore', log, log] })
    await waitForRuntime(socket, containerd)
  }
  const endRuntime = async (signal: NodeJS.Signals) => {
    if (containerd.exitCode !== null || containerd.signalCode !== null) return
    const exited = new Promise((resolve) => containerd.once('exit', resolve))
    containerd.kill(signal)
    await exited
  }
  await startRuntime()
  for (const archive of await writeImages(path.join(directory, 'images')))
    run('ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'import', archive)
  const cgroupRoot = `/${path.basename(directory)}`
  return {
    directory,
    socket,
    cgroupRoot,
    startRuntime,
    killRuntime: () => endRuntime('SIGKILL'),
    async stop() {
      await endRuntime('SIGTERM')
      removeCgroups(cgroupRoot)
      unmountBelow(directory)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function waitForRuntime(socket: string, containerd: ChildProcess): Promise<void> {
  const cri = connectCri(socket)
  try {
    for (let attempt = 0; attempt < 1200; attempt++) {
      if (containerd.exitCode !== null) throw new Error(`Cannot start containerd: it left with code ${containerd.exitCode}`)
      const ready = existsSync(socket) && (await cri.call('Version', {}, { timeoutMs: 10_000 }).catch(() => undefined))
      if (ready) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('Cannot start containerd: it did not answer within a minute')
  } finally {
    cri.close()
  }
}

const cniConfig = (directory: string): string =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: path.join(directory, 'ipam'),
          ranges: [[{ subnet: podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  })

const containerdConfig = (directory: string): string => `
version = 2
root = "${directory}/containerd"
state = "/run/containerd/state"
oom_score = 0
disabled_plugins = ["io.containerd.grpc.v1.zfs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${directory}/cni"
`

/** cgroup v1 has one tree a controller; a group can go once its processes have. */
function removeCgroups(root: string): void {
  for (const controller of existsSync('/sys/fs/cgroup') ? readdirSync('/sys/fs/cgroup') : [])
    removeTree(path.join('/sys/fs/cgroup', controller, root))
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(path.join(directory, entry.name))
  try {
    rmdirSync(directory)
  } catch {
    // A process that the end of the PID namespace is about to take still sits in it; run.ts removes the rest from outside.
  }
}

function unmountBelow(directory: string): void {
  const mounts = execFileSync('findmnt', ['-rn', '-o', 'TARGET'], { encoding: 'utf8' }).split('\n')
  for (const target of mounts.filter((target) => target.startsWith(directory)).toReversed())
    execFileSync('umount', ['-l', target])
}
