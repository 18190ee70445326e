/** Writes kube-system/extension-apiserver-authentication: whom other API servers may believe. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConfigMap } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import type { RequestHeaderOptions } from '../auth/authentication/request-header-user.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import { keyFor } from '../served-resources.ts'
import { toSeconds } from '../writes/write-steps.ts'

const NAMESPACE = 'kube-system'
const NAME = 'extension-apiserver-authentication'
const RETRY_MS = 1000

/** As upstream lays it out: lists as JSON, header names as HTTP writes them. */
export function authenticationData(
  clientCa: string,
  requestHeader: (RequestHeaderOptions & { ca: string }) | undefined,
): Record<string, string> {
  const list = (names: readonly string[] = []) => JSON.stringify(names.map(canonical))
  return {
    'client-ca-file': clientCa,
    ...(requestHeader && {
      'requestheader-allowed-names': JSON.stringify(requestHeader.allowedNames),
      'requestheader-client-ca-file': requestHeader.ca,
      'requestheader-extra-headers-prefix': list(requestHeader.extraHeadersPrefix),
      'requestheader-group-headers': list(requestHeader.groupHeaders),
      'requestheader-uid-headers': list(requestHeader.uidHeaders),
      'requestheader-username-headers': list(requestHeader.usernameHeaders),
    }),
  }
}

const canonical = (header: string) => header.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())

/** Never rejects: tries again until it is written or the server stops. */
export async function publishAuthentication(
  parts: Pick<ApiContext, 'store' | 'logger' | 'now' | 'stopping'>,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const { logger, stopping } = parts
  while (!stopping.aborted) {
    try {
      if (await write(parts, data)) return
    } catch (error) {
      logger.error('cannot publish how other API servers authenticate', { error })
    }
    await sleep(RETRY_MS, undefined, { signal: stopping }).catch(() => {})
  }
}

/** False when somebody else has written at the same moment. What others have added beside it stays. */
async function write(
  { store, now }: Pick<ApiContext, 'store' | 'now'>,
  data: Readonly<Record<string, string>>,
): Promise<boolean> {
  const key = keyFor(prefixOfKind('ConfigMap'), NAMESPACE, NAME)
  const entry = store.get(key)
  if (!entry) {
    const metadata = { name: NAME, namespace: NAMESPACE, uid: randomUUID(), creationTimestamp: toSeconds(now()) }
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as KubeObject
    return (await store.create(key, object)).ok
  }
  const current = entry.object() as ConfigMap
  const next = { ...current, data: { ...current.data, ...data } }
  return (await store.update(key, next as KubeObject, entry.revision)).ok
}
