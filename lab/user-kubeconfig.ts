/** Puts a lab's context into the user's kubeconfig, as kind does, and takes it out again; everything else in it stays as it is. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'

export const contextName = (lab: string) => `kubelab-${lab}`

/** The file that kubectl would write to: the first of $KUBECONFIG, else ~/.kube/config. */
export const userKubeconfigPath = (environment: NodeJS.ProcessEnv = process.env): string =>
  environment['KUBECONFIG']?.split(':').find(Boolean) ?? path.join(homedir(), '.kube', 'config')

const LISTS = ['clusters', 'users', 'contexts'] as const

/** Pure: the text with the lab's cluster, user and context in it, and its context the current one. */
export function withContext(text: string, lab: string, labKubeconfig: string): string {
  const document = parseKubeconfig(text)
  const source = parseDocument(labKubeconfig).toJS() as Record<(typeof LISTS)[number], Record<string, unknown>[]>
  const name = contextName(lab)
  const entries = {
    clusters: { name, cluster: source.clusters[0]!['cluster'] },
    users: { name, user: source.users[0]!['user'] },
    contexts: { name, context: { cluster: name, user: name } },
  }
  for (const list of LISTS) {
    const items = listOf(document, list)
    removeNamed(items, name)
    items.add(document.createNode(entries[list]))
  }
  document.set('current-context', name)
  return document.toString()
}

/** Pure: the text without anything of the lab. A current context that was the lab's becomes empty. */
export function withoutContext(text: string, lab: string): string {
  const document = parseKubeconfig(text)
  const name = contextName(lab)
  for (const list of LISTS) removeNamed(listOf(document, list), name)
  if (document.get('current-context') === name) document.set('current-context', '')
  return document.toString()
}

function parseKubeconfig(text: string): Document.Parsed {
  const document = parseDocument(text.trim() ? text : 'apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n')
  if (document.errors.length > 0 || !isMap(document.contents))
    throw new Error('Cannot change the kubeconfig: it is not a YAML map')
  return document
}

function listOf(document: Document.Parsed, name: string): YAMLSeq {
  const list = document.get(name)
  if (isSeq(list)) {
    // `[]` would otherwise keep its one-line form for everything that is added.
    list.flow = false
    return list
  }
  const fresh = document.createNode([]) as YAMLSeq
  document.set(name, fresh)
  return fresh
}

const removeNamed = (list: YAMLSeq, name: string) => {
  list.items = list.items.filter((item) => !(isMap(item) && (item as YAMLMap).get('name') === name))
}

async function rewrite(file: string, change: (text: string) => string): Promise<void> {
  const existing = existsSync(file)
  const text = existing ? await readFile(file, 'utf8') : ''
  const mode = existing ? (await stat(file)).mode & 0o777 : 0o600
  await mkdir(path.dirname(file), { recursive: true })
  const temporary = `${file}.kubelab-${process.pid}`
  await writeFile(temporary, change(text), { mode })
  await rename(temporary, file)
}

export async function mergeContext(lab: string, labKubeconfig: string, file = userKubeconfigPath()): Promise<void> {
  await rewrite(file, (text) => withContext(text, lab, labKubeconfig))
}

/** Takes the context out; a file that held nothing else, and that only we can have made, goes away. */
export async function removeContext(lab: string, file = userKubeconfigPath()): Promise<void> {
  if (!existsSync(file) || !(await readFile(file, 'utf8')).includes(contextName(lab))) return
  await rewrite(file, (text) => withoutContext(text, lab))
  const left = parseDocument(await readFile(file, 'utf8')).toJS() as Record<string, unknown[]>
  if (LISTS.every((list) => (left[list] ?? []).length === 0)) await rm(file)
}
