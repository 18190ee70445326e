/** One run of the command: who we are, the server we ask, and where output goes. */
import { parseDuration } from '../api/duration.ts'
import { createApiClient, type RestClient } from '../client/rest-client.ts'
import { loadClientConfig, type ClientConfig } from '../client/kubeconfig.ts'
import { CliError } from './errors.ts'
import { createResourceTypes, type ResourceTypes } from './arguments/resource-types.ts'

export interface GlobalOptions {
  kubeconfig?: string
  context?: string
  cluster?: string
  user?: string
  namespace?: string
  server?: string
  token?: string
  as?: string
  asGroup?: string[]
  asUid?: string
  insecureSkipTlsVerify?: boolean
  requestTimeout?: string
}

export interface Session {
  config: ClientConfig
  client: RestClient
  namespace: string
  /** `-n` was given: objects that are only printed carry the namespace too. */
  isNamespaceGiven: boolean
  types: ResourceTypes
  /** One line, or several, on standard output. */
  print(text: string): void
  /** The same on standard error. */
  note(text: string): void
  close(): Promise<void>
}

export const VERSION = '0.1.0'

const note = (text: string) => process.stderr.write(`${text}\n`)

export async function openSession(options: GlobalOptions): Promise<Session> {
  const { kubeconfig, context, cluster, user, namespace } = options
  const config = withOverrides(await loadClientConfig({ path: kubeconfig, context, cluster, user, namespace }), options)
  const client = createApiClient(config, { userAgent: `kubelab/${VERSION}`, onWarning: (text) => note(`Warning: ${text}`) })
  return {
    config,
    client,
    namespace: config.namespace,
    isNamespaceGiven: namespace !== undefined,
    types: createResourceTypes(client),
    print: (text) => process.stdout.write(`${text}\n`),
    note,
    close: () => client.close(),
  }
}

function withOverrides(config: ClientConfig, options: GlobalOptions): ClientConfig {
  const { server, token, as, asUid, asGroup, insecureSkipTlsVerify, requestTimeout } = options
  return {
    ...config,
    ...(server && { server: server.replace(/\/+$/, '') }),
    ...(token && { authorization: () => Promise.resolve(`Bearer ${token}`) }),
    ...(as && { impersonate: { user: as, uid: asUid, groups: asGroup } }),
    ...(insecureSkipTlsVerify && { insecureSkipTlsVerify, ca: undefined }),
    ...(requestTimeout !== undefined && { requestTimeoutMs: parseRequestTimeout(requestTimeout) }),
  }
}

/** The most that a timer of Node's can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** `30` is seconds, as is `30s`; `0`, and less, is for ever. */
export function parseRequestTimeout(text: string): number {
  try {
    const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text)
    return Math.min(Math.max(ms, 0), LONGEST_TIMER_MS)
  } catch {
    throw new CliError(
      'Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)',
    )
  }
}
