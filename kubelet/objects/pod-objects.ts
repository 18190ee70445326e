/** The objects that one pod names, watched while the pod lives. */
import type { ConfigMap, Pod, Secret } from '../../api/generated/types.ts'
import { computeReferences } from './pod-references.ts'
import type { WatchedObject, WatchedObjects } from './watched-objects.ts'

export interface PodObjects {
  configMap(name: string): WatchedObject<ConfigMap> | undefined
  secret(name: string): WatchedObject<Secret> | undefined
  /** Waits until each of them has been looked for once. */
  whenKnown(): Promise<void>
  /** An ephemeral container may name objects that the pod did not name before. */
  update(pod: Pod): void
  release(): void
}

export function createPodObjects(pod: Pod, watched: WatchedObjects, onChange: () => void): PodObjects {
  const namespace = pod.metadata.namespace
  const configMaps = new Map<string, WatchedObject<ConfigMap>>()
  const secrets = new Map<string, WatchedObject<Secret>>()
  const all = () => [...configMaps.values(), ...secrets.values()]
  const update = (version: Pod) => {
    const references = computeReferences(version)
    for (const name of references.configMaps)
      if (!configMaps.has(name)) configMaps.set(name, watched.acquire('ConfigMap', { namespace, name }, onChange))
    for (const name of references.secrets)
      if (!secrets.has(name)) secrets.set(name, watched.acquire('Secret', { namespace, name }, onChange))
  }
  update(pod)
  return {
    configMap: (name) => configMaps.get(name),
    secret: (name) => secrets.get(name),
    update,
    async whenKnown() {
      await Promise.allSettled(all().map((object) => object.get()))
    },
    release() {
      for (const object of all()) object.release()
      configMaps.clear()
      secrets.clear()
    },
  }
}
