/** Debian's docker-registry on loopback, for the suite of image pulls: open, or behind a password. */
import { spawn } from 'node:child_process'
import { existsSync, openSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { busyboxEntries, buildImage, digestOf } from './oci-archive.ts'

export interface Registry {
  /** `127.0.0.1:5000` */
  host: string
  /** Answers the manifest's digest. Images of different `content` have nothing but their programs in common. */
  push(name: string, tag: string, content: string): Promise<string>
  stop(): Promise<void>
}

export const user = { name: 'puller', password: 'secret' }
/** bcrypt of the password, as `htpasswd -B` prints it. */
const passwordLine = `${user.name}:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n`

export async function startRegistry({ port, password }: { port: number; password: boolean }): Promise<Registry> {
  if (!existsSync('/usr/bin/docker-registry'))
    throw new Error('Cannot start a registry: docker-registry is not installed. `scripts/setup.sh --tests` installs it')
  const host = `127.0.0.1:${port}`
  const directory = await mkdtemp(path.join('/var/tmp', `${process.env.KUBELAB_TEST_RUN ?? 'kubelab-node-'}registry-`))
  const passwords = path.join(directory, 'passwords')
  writeFileSync(passwords, passwordLine)
  writeFileSync(path.join(directory, 'config.yml'), configuration(directory, host, password ? passwords : undefined))
  const log = openSync(path.join(directory, 'log'), 'a')
  const server = spawn('docker-registry', ['serve', path.join(directory, 'config.yml')], { stdio: ['ignore', log, log] })
  const headers: Record<string, string> = password
    ? { authorization: `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}` }
    : {}
  await waitUntilUp(`http://${host}/v2/`, headers)

  async function request(method: string, url: string, body: Buffer, contentType: string): Promise<Response> {
    const type = { 'content-type': contentType }
    const answer = await fetch(url, { method, headers: { ...headers, ...type }, body: new Uint8Array(body) })
    if (!answer.ok) throw new Error(`Cannot push: ${method} ${url} answered ${answer.status} ${await answer.text()}`)
    return answer
  }

  return {
    host,
    async push(name, tag, content) {
      const entries = [...busyboxEntries(), { name: 'etc/content', content }]
      const { layer, config, manifest, descriptor } = await buildImage({ entries, config: { Cmd: ['sh'] } })
      for (const blob of [layer, config]) {
        const begun = await request('POST', `http://${host}/v2/${name}/blobs/uploads/`, Buffer.alloc(0), 'text/plain')
        const url = new URL(begun.headers.get('location')!, `http://${host}`)
        url.searchParams.set('digest', digestOf(blob))
        await request('PUT', url.href, blob, 'application/octet-stream')
      }
      await request('PUT', `http://${host}/v2/${name}/manifests/${tag}`, manifest, descriptor.mediaType)
      return descriptor.digest
    },
    async stop() {
      const exited = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGTERM')
      await exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function waitUntilUp(url: string, headers: Record<string, string>): Promise<void> {
  for (let attempt = 0; attempt < 2400; attempt++) {
    const answer = await fetch(url, { headers }).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('Cannot start docker-registry: it did not answer within a minute')
}

const configuration = (directory: string, host: string, passwords: string | undefined): string => `
version: 0.1
log: { level: info }
storage:
  filesystem: { rootdirectory: ${directory}/data }
http: { addr: '${host}' }
${passwords ? `auth: { htpasswd: { realm: pulls, path: ${passwords} } }` : ''}
`
