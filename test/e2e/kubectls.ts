/** The stock kubectls that the end-to-end tests use: the machine's own, and Debian's 1.20 unpacked beside it. */
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { run, runAny } from './run.ts'

const TOOLS = '/var/lib/kubelab/images/tools'

export interface Kubectl {
  version: string
  program: string
}

/** Never silently fewer: a machine without either fails the test with the way to mend it. */
export async function findKubectls(): Promise<Kubectl[]> {
  const old = await debianKubectl()
  const own = await versionOf('kubectl').catch(() => null)
  if (!own) return [old]
  return [{ version: own, program: 'kubectl' }, old]
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await runAny(program, ['version', '--client', '-o', 'json'])
  return (JSON.parse(stdout) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion
}

async function debianKubectl(): Promise<Kubectl> {
  const program = path.join(TOOLS, 'usr/bin/kubectl')
  if (!existsSync(program)) {
    await mkdir(TOOLS, { recursive: true })
    await run('sh', [
      '-c',
      `cd ${TOOLS} && { apt-get download -q kubernetes-client || { apt-get update -q && apt-get download -q kubernetes-client; }; }`,
    ])
    const archive = (await readdir(TOOLS)).find((name) => name.endsWith('.deb'))
    if (!archive)
      throw new Error("Cannot get Debian's kubectl: 'apt-get download kubernetes-client' brought no package; run apt-get update")
    await run('dpkg-deb', ['-x', path.join(TOOLS, archive), TOOLS])
  }
  return { version: await versionOf(program), program }
}
