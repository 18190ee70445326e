/** Pure: the static pod that a file describes, as the kubelet of this node runs it. */
import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import type { Container, Pod, Probe } from '../../api/generated/types.ts'

export const annotations = {
  source: 'kubernetes.io/config.source',
  hash: 'kubernetes.io/config.hash',
  mirror: 'kubernetes.io/config.mirror',
} as const

/** Throws when the file holds no pod. The name ends in the node's; the UID changes with the content. */
export function readManifest(text: string, file: string, nodeName: string): Pod {
  const found = parse(text) as Partial<Pod> | null
  if (found?.kind !== 'Pod' || found.apiVersion !== 'v1') throw new Error(`Cannot read ${file}: it does not hold a pod`)
  if (!found.metadata?.name) throw new Error(`Cannot read ${file}: the pod has no name`)
  if (!found.spec?.containers?.length) throw new Error(`Cannot read ${file}: the pod has no containers`)
  const uid = createHash('md5')
    .update(`host:${nodeName}\nfile:${file}\n${JSON.stringify({ metadata: found.metadata, spec: found.spec })}`)
    .digest('hex')
  const { metadata, spec } = found
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace || 'default',
      uid,
      annotations: { ...metadata.annotations, [annotations.hash]: uid, [annotations.source]: 'file' },
    },
    spec: withDefaults(spec, nodeName),
  }
}

/** What the API server would have filled in and the kubelet counts on. */
function withDefaults(spec: Pod['spec'], nodeName: string): Pod['spec'] {
  return {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...spec,
    nodeName,
    containers: spec.containers.map(withContainerDefaults),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(withContainerDefaults) } : {}),
    // A node in trouble keeps them: they may be what heals it.
    tolerations: [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
  }
}

function withContainerDefaults(container: Container): Container {
  const { image = '', startupProbe, livenessProbe, readinessProbe } = container
  const latest = !image.includes('@') && !/:(?!latest$)[^/:]+$/.test(image)
  return {
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    ...container,
    ...(startupProbe ? { startupProbe: withProbeDefaults(startupProbe) } : {}),
    ...(livenessProbe ? { livenessProbe: withProbeDefaults(livenessProbe) } : {}),
    ...(readinessProbe ? { readinessProbe: withProbeDefaults(readinessProbe) } : {}),
  }
}

const withProbeDefaults = (probe: Probe): Probe => ({
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
  ...probe,
})
