/** Service account tokens for pods: asked for once, taken again when a fifth of their life, or a day, is left. */
import type { Pod } from '../api/generated/types.ts'
import type { ApiClient } from '../client/api-client.ts'
import { causeOf } from '../client/cause.ts'
import type { Clock } from '../component/clock.ts'
import type { TokenRequest } from './volumes/volume-kind.ts'

interface Held {
  token: string
  refreshAtMs: number
}

export interface PodTokens {
  get(pod: Pod, request: TokenRequest): Promise<string>
  /** When the first of the tokens wants to be taken again; undefined when there is none. */
  nextRefreshMs(): number | undefined
}

const dayMs = 86_400_000

export function createPodTokens(client: ApiClient, clock: Clock): PodTokens {
  const held = new Map<string, Held>()
  return {
    nextRefreshMs: () =>
      [...held.values()].reduce<number | undefined>(
        (first, { refreshAtMs }) => Math.min(first ?? refreshAtMs, refreshAtMs),
        undefined,
      ),
    async get(pod, request) {
      const key = JSON.stringify(request)
      const nowMs = clock.now().getTime()
      const known = held.get(key)
      if (known && known.refreshAtMs > nowMs) return known.token
      const { namespace, name, uid } = pod.metadata
      const answer = await client.createSubresource<{ status?: { token?: string; expirationTimestamp?: string } }>(
        'ServiceAccount',
        { namespace, name: pod.spec.serviceAccountName || 'default' },
        'token',
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            ...(request.audience ? { audiences: [request.audience] } : {}),
            expirationSeconds: request.expirationSeconds,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
          },
        },
        { cause: causeOf('Pod', pod) },
      )
      const token = answer.status?.token
      if (!token)
        throw new Error(
          `failed to fetch token: the server answered none for service account ${namespace}/${pod.spec.serviceAccountName}`,
        )
      const expiresMs = answer.status?.expirationTimestamp
        ? Date.parse(answer.status.expirationTimestamp)
        : nowMs + request.expirationSeconds * 1000
      held.set(key, { token, refreshAtMs: Math.min(nowMs + 0.8 * (expiresMs - nowMs), nowMs + dayMs) })
      return token
    },
  }
}
