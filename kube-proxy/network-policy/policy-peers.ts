/** The pods and namespaces that network policies speak of: watched from the first policy on, and told of only where a policy may look. */
import type { Pod } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { SharedInformers } from '../../client/shared-informers.ts'

/** Most changes of a pod are none to a policy: its probes, its conditions. */
const pictureOf = ({ metadata, spec, status }: Pod): string =>
  JSON.stringify([
    metadata.labels,
    spec?.nodeName,
    status?.podIPs,
    status?.podIP,
    status?.phase === 'Succeeded' || status?.phase === 'Failed',
  ])
const labelsOf = ({ metadata }: KubeObject): string => JSON.stringify(metadata.labels)

export function watchPeers(informers: Pick<SharedInformers, 'informer'>, touch: () => void) {
  const pods = informers.informer('Pod')
  const namespaces = informers.informer('Namespace')
  pods.addHandlers({
    added: touch,
    deleted: touch,
    updated: (pod, old) => void (pictureOf(pod) !== pictureOf(old) && touch()),
  })
  namespaces.addHandlers({
    added: touch,
    deleted: touch,
    updated: (namespace, old) => void (labelsOf(namespace) !== labelsOf(old) && touch()),
  })
  return {
    whenSynced: () => Promise.all([pods.whenSynced(), namespaces.whenSynced()]),
    seen: () => ({ pods: pods.store.list(), namespaces: namespaces.store.list() }),
  }
}

/** What a policy looks at in a pod; the rest would be held in memory for nothing. */
export function trimPod({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, labels, resourceVersion } = metadata
  const portsOf = (containers: Pod['spec']['containers'] | undefined) =>
    (containers ?? []).filter(({ ports }) => ports?.length).map((each) => ({ name: each.name, ports: each.ports }))
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, labels, resourceVersion },
    spec: {
      nodeName: spec?.nodeName,
      hostNetwork: spec?.hostNetwork,
      containers: portsOf(spec?.containers),
      initContainers: portsOf(spec?.initContainers as Pod['spec']['containers'] | undefined),
    },
    status: { phase: status?.phase, podIP: status?.podIP, podIPs: status?.podIPs },
  } as Pod
}
