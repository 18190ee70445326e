import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { loadClientConfig, loadInClusterConfig, tokenFromFile } from './kubeconfig.ts'

const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, content: unknown): string => {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : stringify(content))
  return path
}

const config = (name: string, user: object = {}) => ({
  'current-context': name,
  clusters: [
    {
      name,
      cluster: { server: `https://${name}:6443/`, 'certificate-authority-data': Buffer.from(`ca of ${name}`).toString('base64') },
    },
  ],
  users: [{ name, user }],
  contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-${name}` } }],
})

test('files of $KUBECONFIG merge, the first one wins, missing ones do not matter', async () => {
  const one = write('one', config('one', { token: 'first' }))
  const two = write('two', {
    ...config('two'),
    users: [
      { name: 'one', user: { token: 'second' } },
      { name: 'two', user: {} },
    ],
  })
  const env = { KUBECONFIG: `${join(folder, 'nowhere')}:${one}:${two}` }
  const first = await loadClientConfig({ env })
  expect(first).toMatchObject({ server: 'https://one:6443', ca: 'ca of one', namespace: 'ns-one' })
  expect(await first.authorization?.(false)).toBe('Bearer first')
  expect(await loadClientConfig({ env, context: 'two' })).toMatchObject({ server: 'https://two:6443', namespace: 'ns-two' })
  await expect(loadClientConfig({ env, context: 'three' })).rejects.toThrow('context "three" does not exist')
  const nowhere = join(folder, 'nowhere')
  await expect(loadClientConfig({ env: { KUBECONFIG: nowhere } })).rejects.toThrow('no kubeconfig says which cluster')
  await expect(loadClientConfig({ path: nowhere })).rejects.toThrow(
    `Cannot read the kubeconfig ${nowhere}: there is no such file`,
  )
})

test('paths are relative to the file that names them', async () => {
  mkdirSync(join(folder, 'pki'))
  write('pki/client.crt', 'a certificate')
  write('pki/client.key', 'a key')
  const path = write('three', config('three', { 'client-certificate': 'pki/client.crt', 'client-key': 'pki/client.key' }))
  expect(await loadClientConfig({ path })).toMatchObject({ cert: 'a certificate', key: 'a key' })
})

test('an exec plugin gives a token, and is asked again when it was refused', async () => {
  const counter = write('count', '')
  const script = `printf x >> ${counter}; echo '{"kind":"ExecCredential","status":{"token":"t'$(wc -c < ${counter})'"}}'`
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] }
  const { authorization } = await loadClientConfig({ path: write('four', config('four', { exec })) })
  expect(await authorization?.(false)).toBe('Bearer t1')
  expect(await authorization?.(false)).toBe('Bearer t1')
  expect(await authorization?.(true)).toBe('Bearer t2')
})

test('a token file is read again after a minute or a refusal', async () => {
  const path = write('token', 'one\n')
  let time = 0
  const authorization = tokenFromFile(path, () => time)
  expect(await authorization(false)).toBe('Bearer one')
  write('token', 'two')
  expect(await authorization(false)).toBe('Bearer one')
  time = 61_000
  expect(await authorization(false)).toBe('Bearer two')
  write('token', 'three')
  expect(await authorization(true)).toBe('Bearer three')
})

test('inside a pod the mounted service account is used', async () => {
  write('ca.crt', 'authority')
  write('token', 'sa')
  write('namespace', 'prod')
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }
  expect(await loadInClusterConfig(env, folder)).toMatchObject({
    server: 'https://10.96.0.1:443',
    ca: 'authority',
    namespace: 'prod',
  })
  await expect(loadInClusterConfig({}, folder)).rejects.toThrow('unable to load in-cluster configuration')
})
