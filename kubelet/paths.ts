/** Where the kubelet keeps what belongs to a pod, as upstream lays it out. */
import path from 'node:path'
import type { Pod } from '../api/generated/types.ts'

export interface KubeletPaths {
  podsDirectory: string
  podDirectory(uid: string): string
  /** Volumes whose content comes from the API live in memory, never on a disk. */
  memoryVolumeDirectory(uid: string, kind: string, volume: string): string
  memoryRoot: string
  volumeDirectory(uid: string, kind: string, volume: string): string
  /** Parts of volumes that containers mount: `<volume>/<container>/<index>` below it. */
  subPathRoot(uid: string): string
  hostsFile(uid: string): string
  terminationLog(uid: string, container: string, attempt: number): string
  podLogDirectory(pod: { namespace: string; name: string; uid: string }): string
  logRoot: string
  /** One link a container, named so that collectors know whose log it is. */
  logLink(pod: Pod, container: string, containerId: string): string
}

export function createPaths(rootDirectory: string, logRoot: string): KubeletPaths {
  const podsDirectory = path.join(rootDirectory, 'pods')
  const memoryRoot = path.join(rootDirectory, 'memory-volumes')
  const podDirectory = (uid: string) => path.join(podsDirectory, uid)
  return {
    podsDirectory,
    podDirectory,
    memoryRoot,
    memoryVolumeDirectory: (uid, kind, volume) => path.join(memoryRoot, uid, `kubernetes.io~${kind}`, volume),
    volumeDirectory: (uid, kind, volume) => path.join(podDirectory(uid), 'volumes', `kubernetes.io~${kind}`, volume),
    subPathRoot: (uid) => path.join(podDirectory(uid), 'volume-subpaths'),
    hostsFile: (uid) => path.join(podDirectory(uid), 'etc-hosts'),
    terminationLog: (uid, container, attempt) => path.join(podDirectory(uid), 'containers', container, String(attempt)),
    podLogDirectory: ({ namespace, name, uid }) => path.join(logRoot, `${namespace}_${name}_${uid}`),
    logRoot,
    logLink: ({ metadata }, container, containerId) =>
      path.join(path.dirname(logRoot), 'containers', `${metadata.name}_${metadata.namespace}_${container}-${containerId}.log`),
  }
}
