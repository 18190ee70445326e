/** The short-lived pod that removes a local volume's folder from its node (ADR 9). */
import type { PersistentVolume, Pod } from '../../../api/generated/types.ts'
import type { New } from '../../../api/object.ts'

const image = 'docker.io/library/busybox:latest'

export function cleanupPod({ metadata: { name, uid } }: PersistentVolume, node: string, folder: string): New<Pod> {
  return {
    metadata: {
      namespace: 'kube-system',
      name: `remove-${name}`,
      labels: { app: 'local-path-cleanup' },
      // The garbage collector takes it away after the volume.
      ownerReferences: [{ apiVersion: 'v1', kind: 'PersistentVolume', name, uid: uid ?? '', controller: true }],
    },
    spec: {
      // Past the scheduler, and through any taint: the data is there and nowhere else.
      nodeName: node,
      tolerations: [{ operator: 'Exists' }],
      priorityClassName: 'system-node-critical',
      restartPolicy: 'OnFailure',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'remove',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['rm', '-rf', '--', `/volumes/${name}`],
          volumeMounts: [{ name: 'volumes', mountPath: '/volumes' }],
        },
      ],
      volumes: [{ name: 'volumes', hostPath: { path: folder, type: 'DirectoryOrCreate' } }],
    },
  }
}
