/** Root CA: every namespace has a config map with the certificate that pods verify the API server by. */
import type { ConfigMap, Namespace } from '../../api/generated/types.ts'
import type { Action, Controller } from '../../client/controller.ts'

export const rootCaConfigMap = 'kube-root-ca.crt'
const descriptionAnnotation = 'kubernetes.io/description'
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal ' +
  'service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

export const createRootCaPublisher = (rootCa: string): Controller<'Namespace', ConfigMap | undefined> => ({
  name: 'root-ca-certificate-publisher-controller',
  for: 'Namespace',
  watches: [
    {
      kind: 'ConfigMap',
      wakes: ({ metadata }: ConfigMap) => (metadata.name === rootCaConfigMap && metadata.namespace ? [metadata.namespace] : []),
    },
  ],
  observe: ({ metadata }, cache) => cache.of('ConfigMap').get({ namespace: metadata.name, name: rootCaConfigMap }),
  reconcile: (namespace, current) => reconcile(namespace, current, rootCa),
})

export function reconcile({ metadata, status }: Namespace, current: ConfigMap | undefined, rootCa: string): Action[] {
  if (metadata.deletionTimestamp || status?.phase === 'Terminating') return []
  const data = { 'ca.crt': rootCa }
  const annotations = { [descriptionAnnotation]: description }
  if (!current) {
    const object = { metadata: { name: rootCaConfigMap, namespace: metadata.name, annotations }, data }
    return [{ do: 'create', kind: 'ConfigMap', object, existsOk: true }]
  }
  const same = Object.keys(current.data ?? {}).length === 1 && current.data?.['ca.crt'] === rootCa
  if (same && current.metadata.annotations?.[descriptionAnnotation]) return []
  const changed = {
    ...current,
    data,
    metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, ...annotations } },
  }
  return [{ do: 'update', kind: 'ConfigMap', object: changed }]
}
