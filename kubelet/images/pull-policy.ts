/** Pure: whether an image has to be asked of its registry before a container starts from it. */
import type { Image } from '../runtime/cri-types.ts'

export type PullDecision = { pull: true } | { pull: false; refuse?: string }

/**
 * Always: ask, unless the image was loaded by hand. An image that was loaded carries no repo digest, because no registry gave
 * it: there is nothing newer to ask for, and where there is no way to a registry the pod can run all the same.
 */
export function decidePull(image: string, policy: string | undefined, present: Image | null): PullDecision {
  switch (policy ?? defaultPolicy(image)) {
    case 'Never':
      return present
        ? { pull: false }
        : { pull: false, refuse: `Container image "${image}" is not present with pull policy of Never` }
    case 'Always':
      return present && present.repoDigests.length === 0 ? { pull: false } : { pull: true }
    default:
      return { pull: !present }
  }
}

/** What the API server writes into a pod that names no policy. */
function defaultPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent'
  const tag = /:([^/:]+)$/.exec(image)?.[1]
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent'
}
