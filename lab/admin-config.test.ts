import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openAdminConfig } from './admin-config.ts'

const encode = (text: string) => Buffer.from(text).toString('base64')

const kubeconfigWith = (user: Record<string, string>) =>
  JSON.stringify({
    'current-context': 'c',
    clusters: [{ name: 'l', cluster: { server: 'https://10.0.0.1:6443' } }],
    users: [{ name: 'admin', user }],
    contexts: [{ name: 'c', context: { cluster: 'l', user: 'admin' } }],
  })

test('the supervisor shows the certificate of the last renewal, and keeps its connections when nothing was renewed', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-admin-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'admin.conf')
  const renew = (name: string) =>
    writeFile(
      file,
      kubeconfigWith({ 'client-certificate-data': encode(`${name} cert`), 'client-key-data': encode(`${name} key`) }),
    )
  await renew('first')
  const admin = await openAdminConfig(file)
  const first = admin.config.clientCertificate!()
  expect(first).toEqual({ cert: 'first cert', key: 'first key' })
  expect(admin.config).not.toHaveProperty('cert')
  await admin.refresh()
  expect(admin.config.clientCertificate!()).toBe(first)
  await renew('second')
  await admin.refresh()
  expect(admin.config.clientCertificate!()).toEqual({ cert: 'second cert', key: 'second key' })
  await writeFile(file, kubeconfigWith({}))
  await expect(admin.refresh()).rejects.toThrow('has no client certificate')
})
