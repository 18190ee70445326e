/** ImageLocality: prefers nodes that have the pod's images, the more so the larger and the wider spread these are. */
import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts'

const megabyte = 1024 * 1024
const minimum = 23 * megabyte
const maximumPerContainer = 1000 * megabyte

/** As container runtimes report names: with a tag. */
function normalizedImageName(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') && !name.includes('@') ? `${name}:latest` : name
}

export const imageLocality: SchedulerPlugin = {
  name: 'ImageLocality',
  preScore({ pod }, snapshot, _feasible) {
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
    const total = snapshot.nodes().length
    const images = containers
      .map(({ image = '' }) => normalizedImageName(image))
      // An image on one node alone would draw all pods there: it counts by its share of nodes.
      .map((name) => ({ name, spread: snapshot.nodesWithImage(name) / total }))
      .filter(({ spread }) => spread > 0)
    if (images.length === 0) return null
    const maximum = maximumPerContainer * containers.length
    return {
      score(node) {
        let sum = 0
        for (const { name, spread } of images) sum += Math.floor((node.images.get(name) ?? 0) * spread)
        return Math.floor((MAX_SCORE * (Math.min(Math.max(sum, minimum), maximum) - minimum)) / (maximum - minimum))
      },
    }
  },
}
