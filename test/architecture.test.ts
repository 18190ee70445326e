/** Holds the import map of docs/architecture.md against every import in the tree, dynamic ones too. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')

/** Top folder to the top folders that its product code may import. */
const MAY_IMPORT: Record<string, string[]> = {
  api: [],
  component: ['api'],
  client: ['component', 'api'],
  apiserver: ['component', 'api'],
  scheduler: ['client', 'component', 'api'],
  'controller-manager': ['client', 'component', 'api'],
  kubelet: ['client', 'component', 'api'],
  'kube-proxy': ['client', 'component', 'api'],
  addons: ['client', 'component', 'api'],
  lab: ['client', 'component', 'api'],
  // The command is the one place where a person meets both the API and the lab.
  cli: ['lab', 'client', 'component', 'api'],
}

/** Packages that only one folder may import: where an outside system is spoken to. */
const ONLY_IN: Record<string, string[]> = {
  etcd3: ['apiserver/storage/'],
  // Only where certificates are made: it costs a process 30 ms and 10 MB.
  '@peculiar/x509': ['lab/', 'controller-manager/controllers/certificates/', 'kubelet/certificates/'],
}

const IMPORT =
  /(?:^|\s)(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\s)import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

const sources = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file && MAY_IMPORT[file.split('/')[0]!] && !file.endsWith('.test.ts'))

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8').replace(/^\s*(\*|\/\/).*$/gm, '')
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

const topFolder = (file: string, specifier: string) =>
  path.relative(root, path.resolve(root, path.dirname(file), specifier)).split(path.sep)[0]!

describe('the import map', () => {
  it('sees the whole tree', () => {
    expect(sources.length).toBeGreaterThan(20)
    expect(importsOf('client/api-client.ts')).toContain('../api/kinds.ts')
  })

  it.each(Object.keys(MAY_IMPORT))('%s imports only what the map allows', (folder) => {
    const allowed = new Set([folder, ...MAY_IMPORT[folder]!])
    const wrong = sources
      .filter((file) => file.startsWith(`${folder}/`))
      .flatMap((file) =>
        importsOf(file)
          .filter((specifier) => specifier.startsWith('.') && !allowed.has(topFolder(file, specifier)))
          .map((specifier) => `${file} imports ${specifier}`),
      )
    expect(wrong).toEqual([])
  })

  it.each(Object.entries(ONLY_IN))('%s is imported only in %j', (name, places) => {
    const wrong = sources.filter(
      (file) =>
        !places.some((place) => file.startsWith(place)) &&
        importsOf(file).some((specifier) => specifier === name || specifier.startsWith(`${name}/`)),
    )
    expect(wrong).toEqual([])
  })

  it('api does no input or output', () => {
    const wrong = sources
      .filter((file) => file.startsWith('api/'))
      .flatMap((file) =>
        importsOf(file)
          .filter((specifier) => /^node:(net|http|https|http2|tls|dgram|child_process|worker_threads)/.test(specifier))
          .map((specifier) => `${file} imports ${specifier}`),
      )
    expect(wrong).toEqual([])
  })
})
