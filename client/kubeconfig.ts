/** Where the API server is and who we are: kubeconfig files as kubectl reads them, or the service account of the pod we run in. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { createExecCredentials } from './exec-credentials.ts'

/** Everything `createApiClient` needs. */
export interface ClientConfig {
  /** `https://host:port`, perhaps with a path. */
  server: string
  ca?: string | undefined
  insecureSkipTlsVerify?: boolean | undefined
  tlsServerName?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  /** Instead of `cert` and `key`, for one that is renewed: asked before each request; another object is another certificate. */
  clientCertificate?: (() => { cert: string; key: string } | undefined) | undefined
  /** The Authorization header's value, asked for each request: tokens in files rotate. `rejected` after a 401. */
  authorization?: ((rejected: boolean) => Promise<string | undefined>) | undefined
  impersonate?: { user: string; uid?: string | undefined; groups?: string[] | undefined } | undefined
  /** The longest that any request may take, its answer included; none by itself. */
  requestTimeoutMs?: number | undefined
  /** The context's namespace. */
  namespace: string
}

export interface KubeconfigCluster {
  server?: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
}

export interface KubeconfigUser {
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  token?: string
  tokenFile?: string
  username?: string
  password?: string
  as?: string
  'as-uid'?: string
  'as-groups'?: string[]
  exec?: ExecPlugin
}

export interface ExecPlugin {
  apiVersion: string
  command: string
  args?: string[] | null
  env?: { name: string; value: string }[] | null
  installHint?: string
  provideClusterInfo?: boolean
  interactiveMode?: string
}

export interface KubeconfigContext {
  cluster: string
  user: string
  namespace?: string
}

export interface Kubeconfig {
  apiVersion: 'v1'
  kind: 'Config'
  'current-context': string
  clusters: { name: string; cluster: KubeconfigCluster }[]
  users: { name: string; user: KubeconfigUser }[]
  contexts: { name: string; context: KubeconfigContext }[]
  preferences?: unknown
}

export interface LoadOptions {
  /** `--kubeconfig`: this file alone, and it must exist. */
  path?: string | undefined
  context?: string | undefined
  cluster?: string | undefined
  user?: string | undefined
  namespace?: string | undefined
  env?: NodeJS.ProcessEnv | undefined
}

/** Nothing says which cluster is meant. */
export class NoClusterError extends Error {
  override name = 'NoClusterError'
}

/** The configuration of the chosen context. */
export async function loadClientConfig(options: LoadOptions = {}): Promise<ClientConfig> {
  return toClientConfig(await loadKubeconfig(options), options)
}

/** Files of $KUBECONFIG merged as kubectl does: the first to name something wins; missing files are no error. */
export async function loadKubeconfig({ path, env = process.env }: LoadOptions = {}): Promise<Kubeconfig> {
  if (path) return readKubeconfig(path).catch(complainOf(path))
  const files = env['KUBECONFIG']
    ? env['KUBECONFIG'].split(delimiter).filter(Boolean)
    : [join(env['HOME'] ?? homedir(), '.kube', 'config')]
  const configs = await Promise.all(files.map((file) => readKubeconfig(file).catch(ignoreMissing).catch(complainOf(file))))
  return mergeKubeconfigs(configs.filter((config) => config !== undefined))
}

const complainOf =
  (file: string) =>
  (error: unknown): never => {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : message
    throw new Error(`Cannot read the kubeconfig ${file}: ${why}`, { cause: error })
  }

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

/** One file, its relative paths made absolute against its own folder. */
async function readKubeconfig(path: string): Promise<Kubeconfig> {
  const config = { ...emptyKubeconfig(), ...(parse(await readFile(path, 'utf8')) as Partial<Kubeconfig> | null) }
  const base = dirname(resolve(path))
  const absolute = <T extends object>(holder: T, ...fields: (keyof T)[]) => {
    for (const field of fields) if (holder[field]) holder[field] = resolve(base, holder[field] as string) as T[typeof field]
  }
  // A hand-written file may hold `clusters: null`, as `kubectl config` writes for an empty list.
  config.clusters ??= []
  config.users ??= []
  config.contexts ??= []
  for (const { cluster } of config.clusters) absolute(cluster, 'certificate-authority')
  for (const { user } of config.users) {
    absolute(user, 'client-certificate', 'client-key', 'tokenFile')
    // A bare command is looked up in PATH.
    if (user.exec?.command.includes('/')) absolute(user.exec, 'command')
  }
  return config
}

export const emptyKubeconfig = (): Kubeconfig => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': '',
  clusters: [],
  users: [],
  contexts: [],
})

function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const firstByName = <T extends { name: string }>(lists: T[][]): T[] => {
    const found = new Map<string, T>()
    for (const entry of lists.flat()) if (!found.has(entry.name)) found.set(entry.name, entry)
    return [...found.values()]
  }
  return {
    ...emptyKubeconfig(),
    'current-context': configs.map((config) => config['current-context']).find(Boolean) ?? '',
    clusters: firstByName(configs.map(({ clusters }) => clusters)),
    users: firstByName(configs.map(({ users }) => users)),
    contexts: firstByName(configs.map(({ contexts }) => contexts)),
  }
}

async function toClientConfig(config: Kubeconfig, options: LoadOptions = {}): Promise<ClientConfig> {
  const contextName = options.context ?? config['current-context']
  const context = config.contexts.find(({ name }) => name === contextName)?.context
  if (!context && (options.context || contextName)) throw new Error(`context "${contextName}" does not exist`)
  const clusterName = options.cluster ?? context?.cluster
  const userName = options.user ?? context?.user
  const cluster = config.clusters.find(({ name }) => name === clusterName)?.cluster
  if (!clusterName) throw new NoClusterError('Cannot find the API server: no kubeconfig says which cluster is the current one')
  if (!cluster?.server) throw new Error(`Cannot find the API server: cluster "${clusterName}" does not exist or has no server`)
  const user = config.users.find(({ name }) => name === userName)?.user ?? {}
  const insecure = cluster['insecure-skip-tls-verify'] ?? false
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ca: insecure ? undefined : await pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    insecureSkipTlsVerify: insecure,
    tlsServerName: cluster['tls-server-name'],
    namespace: options.namespace ?? context?.namespace ?? 'default',
    impersonate: user.as ? { user: user.as, uid: user['as-uid'], groups: user['as-groups'] } : undefined,
    ...(await credentials(user)),
  }
}

async function credentials(user: KubeconfigUser): Promise<Pick<ClientConfig, 'cert' | 'key' | 'authorization'>> {
  const cert = await pem(user['client-certificate-data'], user['client-certificate'])
  const key = await pem(user['client-key-data'], user['client-key'])
  // As kubectl: a token file wins over a token, tokens over a password, and an exec plugin is asked last.
  if (user.tokenFile) return { cert, key, authorization: tokenFromFile(user.tokenFile) }
  if (user.token) return { cert, key, authorization: always(`Bearer ${user.token}`) }
  if (user.username !== undefined) {
    const basic = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')
    return { cert, key, authorization: always(`Basic ${basic}`) }
  }
  if (user.exec) return createExecCredentials(user.exec)
  return { cert, key }
}

const always = (value: string) => () => Promise.resolve(value)

async function pem(data: string | undefined, path: string | undefined): Promise<string | undefined> {
  if (data) return Buffer.from(data, 'base64').toString('utf8')
  return path ? readFile(path, 'utf8') : undefined
}

/** How long a token read from a file is used before the file is read again: upstream's minute. */
const tokenFilePeriodMs = 60_000

/** The kubelet rotates the file; a rejected token is read again at once. */
export function tokenFromFile(path: string, now: () => number = Date.now): NonNullable<ClientConfig['authorization']> {
  let held: { value: string; readAt: number } | undefined
  return async (rejected) => {
    if (!held || rejected || now() - held.readAt > tokenFilePeriodMs) {
      held = { value: `Bearer ${(await readFile(path, 'utf8')).trim()}`, readAt: now() }
    }
    return held.value
  }
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** For a component that runs in a pod: the API server from the environment, the mounted token and authority. */
export async function loadInClusterConfig(
  env: NodeJS.ProcessEnv = process.env,
  folder: string = serviceAccountFolder,
): Promise<ClientConfig> {
  const host = env['KUBERNETES_SERVICE_HOST']
  const port = env['KUBERNETES_SERVICE_PORT']
  if (!host || !port) {
    throw new Error(
      'unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    )
  }
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await readFile(join(folder, 'ca.crt'), 'utf8'),
    authorization: tokenFromFile(join(folder, 'token')),
    namespace: (await readFile(join(folder, 'namespace'), 'utf8').catch(ignoreMissing))?.trim() || 'default',
  }
}

/** What a component does with its `--kubeconfig` flag: the file when it is given, else the pod's service account. */
export const loadComponentConfig = (path: string | undefined): Promise<ClientConfig> =>
  path ? loadClientConfig({ path }) : loadInClusterConfig()
