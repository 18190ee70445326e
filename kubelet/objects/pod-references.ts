/** Pure: the ConfigMaps and Secrets that a pod's spec names. */
import type { Pod } from '../../api/generated/types.ts'
import { containersOf } from '../pods/pod-spec.ts'

export interface References {
  configMaps: ReadonlySet<string>
  secrets: ReadonlySet<string>
}

export function computeReferences(pod: Pod): References {
  const configMaps = new Set<string>()
  const secrets = new Set<string>()
  const add = (set: Set<string>, name: string | undefined) => name && set.add(name)
  for (const { name } of pod.spec.imagePullSecrets ?? []) add(secrets, name)
  for (const { env = [], envFrom = [] } of containersOf(pod)) {
    for (const { configMapRef, secretRef } of envFrom) {
      add(configMaps, configMapRef?.name)
      add(secrets, secretRef?.name)
    }
    for (const { valueFrom } of env) {
      add(configMaps, valueFrom?.configMapKeyRef?.name)
      add(secrets, valueFrom?.secretKeyRef?.name)
    }
  }
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    add(configMaps, configMap?.name)
    add(secrets, secret?.secretName)
    for (const source of projected?.sources ?? []) {
      add(configMaps, source.configMap?.name)
      add(secrets, source.secret?.name)
    }
  }
  return { configMaps, secrets }
}
