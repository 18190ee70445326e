/** Builds every process into `dist/`, with the files that it reads at run time. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { bundle } from './bundle.ts'

const root = path.resolve(import.meta.dirname, '..')

/** Output name to entry; the lab starts each by path. */
const PROCESSES: Record<string, string> = {
  'kube-apiserver': 'apiserver/main.ts',
  'kube-scheduler': 'scheduler/main.ts',
  'kube-controller-manager': 'controller-manager/main.ts',
  kubelet: 'kubelet/main.ts',
  'kube-proxy': 'kube-proxy/main.ts',
  'kube-dns': 'addons/dns/main.ts',
  ingress: 'addons/ingress/main.ts',
  'lab-supervisor': 'lab/supervisor-main.ts',
  kubelab: 'cli/main.ts',
}

/** Files that a bundle reads at run time, beside it. */
const ASSETS: [from: string, to: string][] = [
  ['kubelet/runtime/cri.proto', 'cri.proto'],
  ['kubelet/runtime/containerd-content.proto', 'containerd-content.proto'],
  ['kubelet/runtime/containerd-events.proto', 'containerd-events.proto'],
  ['kubelet/runtime/containerd-snapshots.proto', 'containerd-snapshots.proto'],
]

/** Of the newest commit; empty outside a checkout. */
function git(format: string): string {
  try {
    return execFileSync('git', ['log', '-1', `--format=${format}`], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}

async function main() {
  const entries = Object.entries(PROCESSES).filter(([, entry]) => existsSync(path.join(root, entry)))
  await mkdir(path.join(root, 'dist'), { recursive: true })
  const commit = { KUBELAB_COMMIT: JSON.stringify(git('%H')), KUBELAB_COMMIT_DATE: JSON.stringify(git('%cI')) }
  await bundle(Object.fromEntries(entries), 'dist', commit)
  for (const [from, to] of ASSETS) {
    const source = path.resolve(root, from)
    if (existsSync(source)) await cp(source, path.join(root, 'dist', to))
  }
  console.log(`dist: ${entries.map(([name]) => name).join(', ')}`)
}

await main()
