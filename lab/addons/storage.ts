/** The default storage class: folders of the node that the pod is placed on, made and removed by the controller manager. */
import type { KubeObject } from '../../api/object.ts'

export const storageObjects = (): KubeObject[] =>
  [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'local-path', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'kubelab/local-path',
      // A folder is on one node, so the pod's place comes first.
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Delete',
    },
  ] as unknown as KubeObject[]
