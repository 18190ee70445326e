/** API aggregation: other servers' group versions under this server's name, and the register of all that there are. */
import type { ApiContext } from '../api-context.ts'
import { namesUser, type RequestHeaderOptions } from '../auth/authentication/request-header-user.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import type { RemoteDocument } from './merge-openapi.ts'
import { followAvailability } from './follow-availability.ts'
import { publishAuthentication } from './publish-authentication.ts'
import { registerLocal } from './register-local.ts'
import { createRemoteServices, type RemoteServices } from './remote-services.ts'
import type { ProxyClient } from './remote-target.ts'

export interface AggregationOptions {
  /** Absent: other servers are asked without a certificate, and will not believe who the user is. */
  proxyClient?: ProxyClient | undefined
  /** By which headers other servers know users from us, as `authentication` tells them. */
  requestHeader?: RequestHeaderOptions | undefined
  /** The data of kube-system/extension-apiserver-authentication, by which other servers know users and us. */
  authentication?: Readonly<Record<string, string>> | undefined
}

export interface Aggregation {
  proxyClient: ProxyClient | undefined
  /** Is it by such a header that other servers know users from us? A client's own never gets there. */
  namesUser(header: string): boolean
  remotes: Pick<RemoteServices, 'find' | 'list'>
  /** The APIResourceList of this APIService, as its server said it last. */
  resources(name: string): unknown
  /** By name, the URLs of the OpenAPI documents that other servers have. */
  openapi(): Record<string, { serverRelativeURL: string }>
  /** The OpenAPI v2 documents of other servers, and a number that rises with each change of them. */
  openapiV2(): RemoteDocument[]
  openapiV2Generation(): number
  /** Once the store has started. What it writes is written in the background; /readyz tells. */
  start(): void
  close(): void
}

type Parts = Omit<ApiContext, 'aggregation'>

export function createAggregation(
  parts: Parts,
  definitions: readonly ResourceDefinition[],
  { proxyClient, requestHeader, authentication }: AggregationOptions,
): Aggregation {
  const local = registerLocal(parts, definitions)
  const follower = followAvailability(parts, () => remotes, proxyClient)
  const remotes: RemoteServices = createRemoteServices(parts.store, parts.logger, (name) => {
    local.sync(name)
    follower.check(name)
  })
  return {
    proxyClient,
    namesUser: (header) => requestHeader !== undefined && namesUser(requestHeader, header),
    remotes,
    resources: follower.resources,
    openapi: () =>
      Object.fromEntries(
        remotes.list().flatMap(({ name, group, version }) => {
          const serverRelativeURL = follower.openapi(name)
          return serverRelativeURL ? [[`apis/${group}/${version}`, { serverRelativeURL }]] : []
        }),
      ),
    openapiV2: () =>
      remotes.list().flatMap(({ name, group, version }) => {
        const document = follower.openapiV2(name)
        return document ? [{ group, version, document }] : []
      }),
    openapiV2Generation: follower.openapiV2Generation,
    start() {
      follower.start()
      remotes.start()
      void local.start()
      if (authentication) void publishAuthentication(parts, authentication)
    },
    close() {
      remotes.close()
      follower.close()
      local.close()
    },
  }
}
