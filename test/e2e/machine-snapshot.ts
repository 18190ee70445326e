/** What a lab could leave behind on a machine: processes, namespaces, mounts, links, routes, rules, cgroups, folders. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const lines = (command: string, ...words: string[]): string[] =>
  execFileSync(command, words, { encoding: 'utf8' }).split('\n').filter(Boolean)

/** Programs that only a lab starts; other processes of the machine come and go. */
const LAB_PROGRAMS = /kubelab|containerd|etcd --name=control-plane|catatonit|kube-|kubelet|server\.pl/

function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return LAB_PROGRAMS.test(words) && !words.includes('vitest') ? [`${pid} ${words}`] : []
      } catch {
        return []
      }
    })
}

const cgroups = () =>
  readdirSync('/sys/fs/cgroup')
    .map((name) => `/sys/fs/cgroup/${name}/kubelab`)
    .concat('/sys/fs/cgroup/kubelab')
    .filter(existsSync)

/** Comparable with `toEqual`: sorted lists of words. */
export function takeSnapshot() {
  return {
    processes: processes().toSorted(),
    namespaces: existsSync('/run/netns') ? readdirSync('/run/netns').toSorted() : [],
    mounts: lines('cut', '-d ', '-f', '2', '/proc/mounts')
      .filter((mount) => !mount.startsWith('/run/netns'))
      .toSorted(),
    links: lines('ip', '-o', 'link')
      .map((line) => line.split(':')[1]!.trim())
      .toSorted(),
    routes: lines('ip', 'route').toSorted(),
    rules: lines('iptables-save')
      .filter((line) => line.startsWith('-A'))
      .toSorted(),
    cgroups: cgroups(),
    folders: ['/var/lib/kubelet', '/var/lib/cni', '/var/log/pods', '/run/kubelab'].filter(existsSync),
  }
}
