/** HAProxy itself, on a socket of its own: it serves the newest configuration, however soon it comes after the one before. */
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHaproxy, type Haproxy } from '../../addons/ingress/haproxy.ts'
import { silentLogger } from '../../component/logger.ts'

let folder: string
let haproxy: Haproxy
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kubelab-haproxy-'))
  haproxy = createHaproxy('/usr/sbin/haproxy', folder, silentLogger)
})
afterAll(async () => {
  await haproxy.stop()
  await rm(folder, { recursive: true })
})

const saying = (word: string) =>
  new Map([
    [
      'haproxy.cfg',
      `global
  stats socket ${folder}/admin.sock mode 600 level admin
defaults
  mode http
  timeout client 5s
  timeout connect 1s
  timeout server 5s
frontend web
  bind unix@${folder}/web.sock
  http-request return status 200 content-type text/plain string "${word}"
`,
    ],
  ])

const answer = () =>
  new Promise<string>((resolve, reject) => {
    get({ socketPath: path.join(folder, 'web.sock'), agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text))
    }).on('error', reject)
  })

it('serves each configuration when it says so, also many in a row', async () => {
  for (let round = 1; round <= 20; round++) {
    await haproxy.apply(saying(`round ${round}`))
    expect(await answer()).toBe(`round ${round}`)
  }
})

it('goes on with the old configuration when the new one is wrong', async () => {
  await haproxy.apply(saying('right'))
  await expect(haproxy.apply(new Map([['haproxy.cfg', 'frontend none\n  nonsense\n']]))).rejects.toThrow()
  expect(await answer()).toBe('right')
  await haproxy.apply(saying('right again'))
  expect(await answer()).toBe('right again')
})
