/** projected: several sources in one folder, the service account's token among them. */
import type { VolumeProjection } from '../../api/generated/types.ts'
import { isNotFound } from '../../api/status.ts'
import { downwardFiles } from './downward-api.ts'
import { configMapBytes, secretBytes, selectKeys } from './payload.ts'
import { type Payload, type PayloadKind, type VolumeContext, VolumeError } from './volume-kind.ts'

export const projected: PayloadKind = {
  name: 'projected',
  matches: (volume) => volume.projected !== undefined,
  async payload({ projected }, context) {
    const { sources = [], defaultMode = 0o644 } = projected!
    const parts = await Promise.all(sources.map((source) => project(source, defaultMode, context)))
    return new Map(parts.flatMap((part) => [...part]))
  },
}

async function project(source: VolumeProjection, defaultMode: number, context: VolumeContext): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source
  const { name = '', items, optional } = configMap ?? secret ?? {}
  try {
    if (configMap) return selectKeys(configMapBytes(await context.configMap(name)), { items, optional, defaultMode })
    if (secret) return selectKeys(secretBytes(await context.secret(name)), { items, optional, defaultMode })
  } catch (error) {
    if (optional && isNotFound(error)) return new Map()
    throw error
  }
  if (downwardAPI) return downwardFiles(downwardAPI.items ?? [], defaultMode, context)
  if (serviceAccountToken) {
    const { path, audience, expirationSeconds = 3600 } = serviceAccountToken
    const token = await context.token({ audience, expirationSeconds })
    return new Map([[path, { content: Buffer.from(token), mode: tokenMode(context) }]])
  }
  throw new VolumeError(`projected source ${Object.keys(source).join(', ')} is not known to this kubelet`)
}

/** Only the user that the containers run as may read a token, when that is one user. */
function tokenMode({ pod }: VolumeContext): number {
  return pod.spec.securityContext?.fsGroup === undefined && soleUser(pod.spec) === undefined ? 0o644 : 0o600
}

/** The user of every container of the pod, when it is one and the same. */
export function soleUser(spec: VolumeContext['pod']['spec']): number | undefined {
  const users = new Set(
    [...(spec.initContainers ?? []), ...spec.containers].map(
      ({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
    ),
  )
  const [only] = users
  return users.size === 1 ? only : undefined
}
