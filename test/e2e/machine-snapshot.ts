/** What one lab could leave behind on a machine: processes, namespaces, mounts, links, routes, rules, cgroups, folders. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

const lines = (command: string, ...words: string[]): string[] =>
  execFileSync(command, words, { encoding: 'utf8' }).split('\n').filter(Boolean)

/** Every process with the PID namespace it lives in and its command line. */
export function processes(): { pid: number; namespace: string; words: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return [{ pid: Number(pid), namespace: readlinkSync(`/proc/${pid}/ns/pid`), words }]
      } catch {
        return []
      }
    })
}

const cgroups = (lab: string) =>
  readdirSync('/sys/fs/cgroup')
    .map((name) => `/sys/fs/cgroup/${name}/kubelab/${lab}`)
    .concat(`/sys/fs/cgroup/kubelab/${lab}`)
    .filter(existsSync)

/** Comparable with `toEqual`. Only what can be told to be this lab's: other labs of the machine may come and go. */
export function takeSnapshot(lab: string) {
  const own = (text: string) => text.includes(`kubelab-${lab}`) || text.includes(`kubelab/${lab}`) || text.includes(`LAB=${lab}`)
  return {
    processes: processes()
      .filter(({ words }) => own(words) && !words.includes('vitest'))
      .map(({ words }) => words),
    namespaces: existsSync('/run/netns') ? readdirSync('/run/netns').filter(own) : [],
    mounts: lines('cut', '-d ', '-f', '2', '/proc/mounts').filter(own),
    rules: lines('iptables-save').filter((line) => line.includes(`kubelab ${lab}`)),
    cgroups: cgroups(lab),
    folders: [`/var/lib/kubelab/${lab}`, `/run/kubelab/${lab}`].filter(existsSync),
  }
}

/** What the host shares among its labs; the same before and after when no other lab came or went meanwhile. */
export function takeNetworkSnapshot() {
  return {
    links: lines('ip', '-o', 'link')
      .map((line) => line.split(':')[1]!.trim())
      .toSorted(),
    routes: lines('ip', 'route').toSorted(),
  }
}
