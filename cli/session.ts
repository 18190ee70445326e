/** One run of the command: who we are, the server we ask, and where output goes. */
import { createApiClient, type RestClient } from '../client/rest-client.ts'
import { loadClientConfig, type ClientConfig } from '../client/kubeconfig.ts'
import { createResourceTypes, type ResourceTypes } from './resource-types.ts'

export interface GlobalOptions {
  kubeconfig?: string
  context?: string
  cluster?: string
  user?: string
  namespace?: string
  server?: string
}

export interface Session {
  config: ClientConfig
  client: RestClient
  namespace: string
  types: ResourceTypes
  /** One line, or several, on standard output. */
  print(text: string): void
  /** The same on standard error. */
  note(text: string): void
  close(): Promise<void>
}

export const VERSION = '0.1.0'

const note = (text: string) => process.stderr.write(`${text}\n`)

export async function openSession({ kubeconfig, context, cluster, user, namespace, server }: GlobalOptions): Promise<Session> {
  const loaded = await loadClientConfig({ path: kubeconfig, context, cluster, user, namespace })
  const config = server ? { ...loaded, server } : loaded
  const client = createApiClient(config, { userAgent: `kubelab/${VERSION}`, onWarning: (text) => note(`Warning: ${text}`) })
  return {
    config,
    client,
    namespace: config.namespace,
    types: createResourceTypes(client),
    print: (text) => process.stdout.write(`${text}\n`),
    note,
    close: () => client.close(),
  }
}
