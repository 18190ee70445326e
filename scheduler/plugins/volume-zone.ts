/** VolumeZone: a bound volume that is labelled with a zone or region is used there. */
import { isNodeChange, refuseForGood, type SchedulerPlugin } from '../framework.ts'

const refusal = refuseForGood('node(s) had no available volume zone')
const keys = [
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]

export const volumeZone: SchedulerPlugin = {
  name: 'VolumeZone',
  preFilter({ claims, namespace }, { cache }) {
    const wanted = claims.flatMap((name) => {
      const volumeName = cache.of('PersistentVolumeClaim').get({ namespace, name })?.spec.volumeName
      const labels = (volumeName && cache.of('PersistentVolume').get(volumeName)?.metadata.labels) || {}
      // A volume in several zones lists them with this separator.
      return keys.filter((key) => labels[key] !== undefined).map((key) => ({ key, values: labels[key]!.split('__') }))
    })
    if (wanted.length === 0) return null
    return {
      check({ labels }) {
        // A node without any of these labels is in a cluster without zones.
        if (keys.every((key) => labels[key] === undefined)) return null
        return wanted.every(({ key, values }) => values.includes(labels[key] ?? labels[modern(key)] ?? '')) ? null : refusal
      },
    }
  },
  isHelpedBy: (_, event) => isNodeChange(event) || event.kind === 'PersistentVolume' || event.kind === 'PersistentVolumeClaim',
}

const modern = (key: string): string => key.replace('failure-domain.beta.kubernetes.io', 'topology.kubernetes.io')
