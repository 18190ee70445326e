import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { mergeContext, removeContext, userKubeconfigPath, withContext, withoutContext } from './user-kubeconfig.ts'

const LAB = `apiVersion: v1
kind: Config
clusters: [{ name: c, cluster: { server: 'https://172.30.0.2:6443' } }]
users: [{ name: u, user: { client-key-data: c2VjcmV0 } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
`
const OTHERS = `# mine
apiVersion: v1
kind: Config
current-context: work
clusters:
  - name: work
    cluster: {server: https://example.com} # keep me
users:
  - name: work
    user: {token: t}
contexts:
  - name: work
    context: {cluster: work, user: work}
`

describe('the context of a lab in the kubeconfig of its user', () => {
  it('joins what is there and becomes the current one', () => {
    const merged = parse(withContext(OTHERS, 'lab', LAB)) as Record<string, { name: string }[]>
    expect(merged['current-context']).toBe('kubelab-lab')
    expect(merged['contexts']!.map(({ name }) => name)).toEqual(['work', 'kubelab-lab'])
    expect(merged['clusters']![1]).toEqual({ name: 'kubelab-lab', cluster: { server: 'https://172.30.0.2:6443' } })
  })

  it('replaces itself instead of adding a second one', () => {
    const once = withContext(OTHERS, 'lab', LAB)
    expect(withContext(once, 'lab', LAB)).toBe(once)
  })

  it('keeps comments and other contexts when it goes', () => {
    const text = withoutContext(withContext(OTHERS, 'lab', LAB), 'lab')
    expect(text).toContain('# mine')
    expect(text).toContain('# keep me')
    expect(parse(text)).toEqual({ ...(parse(OTHERS) as object), 'current-context': '' })
  })

  it('leaves the current context alone when it is another', () => {
    const other = withContext(withContext(OTHERS, 'lab', LAB), 'two', LAB)
    expect((parse(withoutContext(other, 'lab')) as Record<string, unknown>)['current-context']).toBe('kubelab-two')
  })

  it('refuses a file that is no kubeconfig rather than lose it', () => {
    expect(() => withContext('just a text', 'lab', LAB)).toThrow('Cannot change the kubeconfig')
  })
})

describe('the file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kubeconfig-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('is made with the owner alone able to read it, and goes when nothing is left in it', async () => {
    const file = path.join(folder, 'deep', 'config')
    await mergeContext('lab', LAB, file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await removeContext('lab', file)
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  it('keeps its mode and the rest of its text', async () => {
    const file = path.join(folder, 'config')
    await writeFile(file, OTHERS, { mode: 0o640 })
    await mergeContext('lab', LAB, file)
    await removeContext('lab', file)
    expect((await stat(file)).mode & 0o777).toBe(0o640)
    expect(await readFile(file, 'utf8')).toContain('# keep me')
  })

  it.each([
    [{ KUBECONFIG: '/a:/b' }, '/a'],
    [{ KUBECONFIG: ':/b' }, '/b'],
  ])('is the one kubectl would write to: %o', (environment, expected) => {
    expect(userKubeconfigPath(environment)).toBe(expected)
  })
})
