/** The processes of one node of a lab: where its runtime listens, what its kubelet takes, and how to make it pause. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

export interface NodeProcesses {
  /** containerd's socket, as it is seen from outside of the node. */
  runtimeEndpoint: string
  kubelet: Measured
  /** Runs the work while the kubelet stands still: it would end pods that it does not know. */
  whileKubeletRests<T>(work: () => Promise<T>): Promise<T>
}

export interface Measured {
  /** Milliseconds of processor time since its start. */
  cpuMs(): number
  /** Mebibytes: resident, and with shared pages counted in proportion. */
  memory(): { rss: number; pss: number }
}

/** `kubelab` is the program to ask; it starts the lab's processes inside namespaces, by way of others. */
export function findNodeProcesses(kubelab: string, lab: string, node: string): NodeProcesses {
  const status = JSON.parse(execFileSync(kubelab, ['status', '--lab', lab, '-o', 'json'], { encoding: 'utf8' })) as {
    processes: { name: string; pid?: number }[]
  }
  const pidOf = (name: string): number => {
    const outer = status.processes.find((each) => each.name === name)?.pid
    if (!outer) throw new Error(`Cannot measure: lab ${lab} has no running ${name}`)
    return innermost(outer)
  }
  const kubelet = pidOf(`kubelet-${node}`)
  return {
    runtimeEndpoint: path.join('/proc', String(pidOf(`containerd-${node}`)), 'root/run/containerd/containerd.sock'),
    kubelet: measured(kubelet),
    async whileKubeletRests(work) {
      process.kill(kubelet, 'SIGSTOP')
      try {
        return await work()
      } finally {
        process.kill(kubelet, 'SIGCONT')
      }
    },
  }
}

function innermost(pid: number): number {
  if (!/^(nsenter|setpriv|unshare)$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())) return pid
  return innermost(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]))
}

/** As `sysconf(_SC_CLK_TCK)` has it on every Linux. */
const ticksPerSecond = 100

const measured = (pid: number): Measured => ({
  cpuMs() {
    const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .slice(11, 13)
      .map(Number)
    return ((user + system) * 1000) / ticksPerSecond
  },
  memory() {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) / 1024
    return { rss: field('Rss'), pss: field('Pss') }
  },
})
