/**
 * An addon's pods: a bundle of ours run by the host's Node in an otherwise bare image, as the other components are. There is no
 * image to build or to keep patched, and what runs is what the machine has installed.
 */

export interface Installation {
  /** The Node program and the folder of the bundles on the host. */
  node: string
  dist: string
  /** Resolvers outside; none when the lab has no way out. */
  upstream: readonly string[]
}

export interface HostProgram {
  /** Of the service account and the container. */
  name: string
  labels: Readonly<Record<string, string>>
  /** A bundle's file name, and the words after it. */
  bundle: string
  flags?: readonly string[]
  /** Files and folders of the host that it needs besides, by the name of their volume. */
  mounts?: Readonly<Record<string, { path: string; type: 'File' | 'Directory' }>>
  /** Further fields of the container, of the pod, and volumes that are not the host's. */
  container: Readonly<Record<string, unknown>>
  pod?: Readonly<Record<string, unknown>>
  volumes?: readonly { name: string; mountPath: string; source: object }[]
}

/** The spec of a Deployment. */
export function hostProgramSpec({ node, dist }: Pick<Installation, 'node' | 'dist'>, program: HostProgram) {
  const { name, labels, bundle, flags = [], container, pod = {}, volumes = [] } = program
  const mounts = Object.entries({
    program: { path: node, type: 'File' },
    bundles: { path: dist, type: 'Directory' },
    ...program.mounts,
  })
  return {
    replicas: 1,
    selector: { matchLabels: labels },
    // It must go on answering while it is replaced.
    strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: name,
        priorityClassName: 'system-cluster-critical',
        tolerations: leaveSoon,
        ...pod,
        containers: [
          {
            image: 'docker.io/kubelab/runtime:1',
            imagePullPolicy: 'IfNotPresent',
            command: [node, '--no-warnings', '--expose-gc', '--max-semi-space-size=1', `${dist}/${bundle}`, ...flags],
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
            },
            ...container,
            volumeMounts: [
              ...mounts.map(([volume, { path }]) => ({ name: volume, mountPath: path, readOnly: true })),
              ...volumes.map((volume) => ({ name: volume.name, mountPath: volume.mountPath })),
            ],
          },
        ],
        volumes: [
          ...mounts.map(([volume, hostPath]) => ({ name: volume, hostPath })),
          ...volumes.map((volume) => ({ name: volume.name, ...volume.source })),
        ],
      },
    },
  }
}

/** A node that is gone is not worth five minutes without it. */
const leaveSoon = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 5,
}))
