/** Runs the kubelet's suites on real containers, inside namespaces of their own: whatever happens in there ends with them. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

/** Marks the files and cgroups of this run, so that another one's are left alone. */
const run = `kubelab-node-${process.pid}-`
const root = path.resolve(import.meta.dirname, '../..')
const tools = ['containerd', 'runc', 'catatonit', 'busybox', 'unshare', 'ip', 'iptables', 'mount']
const namespaces = ['--net', '--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child', '--mount-proc']

const isInstalled = (tool: string): boolean =>
  `${process.env.PATH}:/usr/sbin:/sbin`.split(':').some((folder) => existsSync(path.join(folder, tool)))

describe('the kubelet on a private containerd', () => {
  it('finds what it needs on this machine', () => {
    expect(process.getuid?.(), 'containers need root').toBe(0)
    expect(
      tools.filter((tool) => !isInstalled(tool)),
      'programs that set-up installs',
    ).toEqual([])
    expect(existsSync('/usr/lib/cni/bridge'), 'Debian package containernetworking-plugins').toBe(true)
  })

  it('passes its suites', { timeout: 900_000 }, () => {
    const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
    const command = [process.execPath, vitest, 'run', '--config', 'test/kubelet/inside.config.ts']
    const result = spawnSync('unshare', [...namespaces, ...command], {
      cwd: root,
      env: { ...process.env, KUBELAB_TEST_RUN: run },
      encoding: 'utf8',
      timeout: 890_000,
    })
    expect(result.status, `${result.stdout}\n${result.stderr}`).toBe(0)
  })
})

/** Cgroups and files are the machine's, not the namespaces': what a suite that was cut short left is taken away here. */
afterAll(() => {
  for (const name of ours('/var/tmp')) rmSync(path.join('/var/tmp', name), { recursive: true })
  for (const controller of readdirSync('/sys/fs/cgroup')) {
    const folder = path.join('/sys/fs/cgroup', controller)
    for (const name of ours(folder)) removeTree(path.join(folder, name))
  }
})

const ours = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.startsWith(run))

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(path.join(folder, entry.name))
  rmdirSync(folder)
}
