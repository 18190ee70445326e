/** `kubelab config`: look at kubeconfig files and change them. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Command } from 'commander'
import { parse } from 'yaml'
import type { JsonObject } from '../../api/json.ts'
import { emptyKubeconfig, loadKubeconfig } from '../../client/kubeconfig.ts'
import type { CliCommand } from '../commands.ts'
import {
  entriesOf,
  type EntryKind,
  findEntry,
  minify,
  type RawKubeconfig,
  redact,
  withCurrentContext,
  withEntry,
  withoutEntry,
  withProperty,
  withRenamedContext,
} from '../decisions/edit-kubeconfig.ts'
import { CliError } from '../errors.ts'
import { createPrinter } from '../printers/printer.ts'
import { printYaml } from '../printers/yaml.ts'
import { alignTabs } from '../printers/tabwriter.ts'
import type { GlobalOptions } from '../session.ts'

const print = (text: string): void => void process.stdout.write(`${text}\n`)

export const config: CliCommand = (program) => {
  const command = program
    .command('config')
    .description('Look at kubeconfig files and change them: config use-context kubelab-lab')
  const globals = () => program.opts<GlobalOptions>()
  addViews(command, globals)
  addContexts(command, globals)
  addEntries(command, globals)
}

type Globals = () => GlobalOptions

async function readMerged(globals: GlobalOptions): Promise<RawKubeconfig> {
  const merged = (await loadKubeconfig({ path: globals.kubeconfig })) as unknown as RawKubeconfig
  return globals.context ? withCurrentContext(merged, globals.context) : merged
}

function addViews(command: Command, globals: Globals): void {
  command
    .command('view')
    .description('Show the kubeconfig, without its secrets')
    .option('--raw', 'with its secrets')
    .option('--minify', 'only what the current context uses')
    .option('-o, --output <format>', 'yaml, json, jsonpath=…', 'yaml')
    .action(async ({ raw, minify: only, output }: { raw?: boolean; minify?: boolean; output: string }) => {
      const merged = { preferences: {}, ...(await readMerged(globals())) }
      const shown = only ? minify(merged) : merged
      const text = createPrinter(output)!((raw ? shown : redact(shown)) as JsonObject)
      if (output.startsWith('jsonpath=')) process.stdout.write(text)
      else print(text)
    })
  command
    .command('current-context')
    .description('Show the name of the context in use')
    .action(async () => {
      const { 'current-context': current } = await readMerged(globals())
      if (!current) throw new CliError('current-context is not set')
      print(current)
    })
  for (const kind of ['cluster', 'user'] as const) {
    command
      .command(`get-${kind}s`)
      .description(`Show the names of all ${kind}s`)
      .action(async () => print(['NAME', ...entriesOf(await readMerged(globals()), kind).map(({ name }) => name)].join('\n')))
  }
  command
    .command('get-contexts [names...]')
    .description('Show contexts, the one in use marked')
    .option('-o, --output <format>', 'name')
    .option('--no-headers', 'no line of column names')
    .action(async (names: string[], options: { output?: string; headers: boolean }) =>
      showContexts(await readMerged(globals()), names, options),
    )
}

function showContexts(merged: RawKubeconfig, names: string[], { output, headers }: { output?: string; headers: boolean }): void {
  const missing = names.filter((name) => !findEntry(merged, 'context', name))
  const contexts = entriesOf(merged, 'context')
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  if (output === 'name') {
    if (contexts.length > 0) print(contexts.map(({ name }) => name).join('\n'))
  } else {
    const rows = contexts.map(({ name, context }) => {
      const { cluster = '', user = '', namespace = '' } = context as Record<string, string>
      return [name === merged['current-context'] ? '*' : '', name, cluster, user, namespace]
    })
    const lines = headers ? [['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], ...rows] : rows
    print(alignTabs(lines.map((cells) => cells.join('\t')).join('\n'), { minimumWidth: 6, padding: 3 }))
  }
  if (missing.length > 0) throw new CliError(`context ${missing.join(', ')} not found`)
}

/** The files that kubectl reads, in its order. */
function filesOf({ kubeconfig }: GlobalOptions): string[] {
  if (kubeconfig) return [kubeconfig]
  const listed = (process.env['KUBECONFIG'] ?? '').split(path.delimiter).filter(Boolean)
  return listed.length > 0 ? listed : [path.join(homedir(), '.kube', 'config')]
}

async function readRaw(file: string): Promise<RawKubeconfig> {
  const content = existsSync(file) ? (parse(await readFile(file, 'utf8')) as Partial<RawKubeconfig> | null) : null
  return { preferences: {}, ...emptyKubeconfig(), ...content } as unknown as RawKubeconfig
}

/** The first file that holds what is changed, else the first of all. */
async function fileHolding(globals: GlobalOptions, holds: (raw: RawKubeconfig) => boolean): Promise<string> {
  const files = filesOf(globals)
  for (const file of files) if (existsSync(file) && holds(await readRaw(file))) return file
  return files[0]!
}

/** Never half a file: readers see the old one or the new one. */
async function change(file: string, by: (raw: RawKubeconfig) => RawKubeconfig): Promise<void> {
  const changed = by(await readRaw(file))
  const mode = existsSync(file) ? (await stat(file)).mode & 0o777 : 0o600
  await mkdir(path.dirname(file), { recursive: true })
  const temporary = `${file}.kubelab-${process.pid}`
  await writeFile(temporary, `${printYaml(changed)}\n`, { mode })
  await rename(temporary, file)
}

const holdsCurrent = (raw: RawKubeconfig) => raw['current-context'] !== ''

function addContexts(command: Command, globals: Globals): void {
  command
    .command('use-context <name>')
    .alias('use')
    .description('Work with this context from now on')
    .action(async (name: string) => {
      if (!findEntry(await readMerged(globals()), 'context', name))
        throw new CliError(`no context exists with the name: ${JSON.stringify(name)}`)
      await change(await fileHolding(globals(), holdsCurrent), (raw) => withCurrentContext(raw, name))
      print(`Switched to context ${JSON.stringify(name)}.`)
    })
  command
    .command('rename-context <old> <new>')
    .description('Give a context another name')
    .action(async (from: string, to: string) => {
      const file = await fileHolding(globals(), (raw) => findEntry(raw, 'context', from) !== undefined)
      await change(file, (raw) => withRenamedContext(raw, from, to, file))
      print(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.`)
    })
  command
    .command('set-context [name]')
    .description('Change a context, or make one: config set-context --current --namespace=shop')
    .option('--current', 'the context in use')
    .action(async (given: string | undefined, { current }: { current?: boolean }) => {
      const { cluster, user, namespace, ...others } = globals()
      if (given === undefined && !current) throw new CliError('you must specify a non-empty context name or --current')
      const name = given ?? (await readMerged(others))['current-context']
      if (!name) throw new CliError('no current context is set')
      // `--cluster`, `--user` and `--namespace` are options of every command: here they are what is written.
      const fields: JsonObject = {
        ...(cluster !== undefined && { cluster }),
        ...(user !== undefined && { user }),
        ...(namespace !== undefined && { namespace }),
      }
      await setEntry(
        globals(),
        'context',
        name,
        fields,
        (existed) => `Context ${JSON.stringify(name)} ${existed ? 'modified' : 'created'}.`,
      )
    })
}

async function setEntry(
  globals: GlobalOptions,
  kind: EntryKind,
  name: string,
  fields: JsonObject,
  told: (existed: boolean) => string,
): Promise<void> {
  const file = await fileHolding(globals, (raw) => findEntry(raw, kind, name) !== undefined)
  const existed = findEntry(await readRaw(file), kind, name) !== undefined
  await change(file, (raw) => withEntry(raw, kind, name, fields))
  print(told(existed))
}

interface CredentialOptions {
  token?: string
  username?: string
  password?: string
  clientCertificate?: string
  clientKey?: string
  embedCerts?: boolean
}

interface ClusterOptions {
  server?: string
  certificateAuthority?: string
  insecureSkipTlsVerify?: boolean
  tlsServerName?: string
  embedCerts?: boolean
}

/** A file by its absolute path, or its content when it is to be embedded. */
async function fileField(field: string, file: string | undefined, embed = false): Promise<JsonObject> {
  if (file === undefined) return {}
  return embed ? { [`${field}-data`]: (await readFile(file)).toString('base64') } : { [field]: path.resolve(file) }
}

function addEntries(command: Command, globals: Globals): void {
  command
    .command('set-cluster <name>')
    .description('Change a cluster, or make one: config set-cluster lab --server=https://127.0.0.1:6443')
    .option('--server <url>', 'address of the API server')
    .option('--certificate-authority <file>', 'who its certificate must be from')
    .option('--insecure-skip-tls-verify', 'believe any certificate')
    .option('--tls-server-name <name>', 'the name that its certificate must bear')
    .option('--embed-certs', 'write what files hold, not where they are')
    .action(async (name: string, options: ClusterOptions) => {
      const fields: JsonObject = {
        ...(options.server && { server: options.server }),
        ...(await fileField('certificate-authority', options.certificateAuthority, options.embedCerts)),
        ...(options.insecureSkipTlsVerify && { 'insecure-skip-tls-verify': true }),
        ...(options.tlsServerName && { 'tls-server-name': options.tlsServerName }),
      }
      await setEntry(globals(), 'cluster', name, fields, () => `Cluster ${JSON.stringify(name)} set.`)
    })
  command
    .command('set-credentials <name>')
    .description('Change a user, or make one: config set-credentials robot --token=…')
    .option('--token <token>', 'a bearer token')
    .option('--username <name>', 'for basic authentication')
    .option('--password <password>', 'for basic authentication')
    .option('--client-certificate <file>', 'a certificate')
    .option('--client-key <file>', 'its private key')
    .option('--embed-certs', 'write what files hold, not where they are')
    .action(async (name: string, { token, username, password, ...files }: CredentialOptions) => {
      const fields: JsonObject = {
        ...(token && { token }),
        ...(username && { username }),
        ...(password && { password }),
        ...(await fileField('client-certificate', files.clientCertificate, files.embedCerts)),
        ...(await fileField('client-key', files.clientKey, files.embedCerts)),
      }
      await setEntry(globals(), 'user', name, fields, () => `User ${JSON.stringify(name)} set.`)
    })
  for (const kind of ['cluster', 'context', 'user'] as const) addDelete(command, kind, globals)
  command
    .command('set <property> <value>')
    .description('Set one property: config set contexts.lab.namespace shop')
    .action(async (property: string, value: string) => {
      await change(await fileHolding(globals(), () => true), (raw) => withProperty(raw, property, value))
      print(`Property ${JSON.stringify(property)} set.`)
    })
  command
    .command('unset <property>')
    .description('Take one property away: config unset current-context')
    .action(async (property: string) => {
      await change(await fileHolding(globals(), () => true), (raw) => withProperty(raw, property, undefined))
      print(`Property ${JSON.stringify(property)} unset.`)
    })
}

function addDelete(command: Command, kind: EntryKind, globals: Globals): void {
  command
    .command(`delete-${kind} <name>`)
    .description(`Take a ${kind} out`)
    .action(async (name: string) => {
      const file = await fileHolding(globals(), (raw) => findEntry(raw, kind, name) !== undefined)
      if (!findEntry(await readRaw(file), kind, name)) throw new CliError(`cannot delete ${kind} ${name}, not in ${file}`)
      await change(file, (raw) => withoutEntry(raw, kind, name))
      print(`deleted ${kind} ${name} from ${file}`)
    })
}
