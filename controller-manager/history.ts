/** Past pod templates as ControllerRevisions: which one is current, which is made, which are old enough to go. Pure. */
import type { ControllerRevision, ObjectMeta, PodTemplateSpec } from '../api/generated/types.ts'
import { controllerReference, type KubeObject } from '../api/object.ts'
import type { Action } from '../client/controller.ts'
import { canonicalHash } from './canonical-hash.ts'
import { semanticEqual } from './semantic-equal.ts'
import { mergePatch, remove } from './status-patch.ts'

export const revisionHashLabel = 'controller-revision-hash'

export interface History {
  /** The revision of the template as it is now, and its name, whether or not it exists yet. */
  current: { name: string; hash: string; revision: number }
  actions: Action[]
  /** The wanted name belongs to a different template: try the next collision count. */
  collides: boolean
}

type Owner = KubeObject & {
  metadata: ObjectMeta
  spec: { template: PodTemplateSpec; selector?: { matchLabels?: Record<string, string> | undefined } | undefined }
}

const dataOf = (template: PodTemplateSpec) => sortKeys({ spec: { template: { ...asGoWrites(template), $patch: 'replace' } } })

/**
 * Clients tell which revision is current by comparing its bytes with what they would write themselves: with sorted keys, and
 * with the fields that Go's encoding of a template never leaves out.
 */
const asGoWrites = ({ metadata, spec, ...rest }: PodTemplateSpec) => ({
  ...rest,
  metadata: { creationTimestamp: null, ...metadata },
  ...(spec && {
    spec: {
      ...spec,
      containers: spec.containers.map((container) => ({ resources: {}, ...container })),
      ...(spec.initContainers && { initContainers: spec.initContainers.map((container) => ({ resources: {}, ...container })) }),
    },
  }),
})

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.filter(([, field]) => field !== undefined).map(([key, field]) => [key, sortKeys(field)]))
}

export const templateOf = ({ data }: ControllerRevision): PodTemplateSpec | undefined => {
  const { $patch: _, ...template } =
    (data as { spec?: { template?: PodTemplateSpec & { $patch?: string } } })?.spec?.template ?? {}
  return template as PodTemplateSpec
}

export function planHistory(owner: Owner, revisions: readonly ControllerRevision[], collisionCount: number | undefined): History {
  const data = dataOf(owner.spec.template)
  const newest = Math.max(0, ...revisions.map(({ revision }) => revision))
  const equal = revisions.filter((revision) => semanticEqual(revision.data, data)).toSorted((a, b) => b.revision - a.revision)[0]
  if (equal) {
    const hash = equal.metadata.labels?.[revisionHashLabel] ?? equal.metadata.name
    const { name } = equal.metadata
    if (equal.revision === newest) return { current: { name, hash, revision: newest }, actions: [], collides: false }
    // A template that comes back is the newest again.
    return {
      current: { name, hash, revision: newest + 1 },
      actions: [mergePatch(equal, { revision: newest + 1 })],
      collides: false,
    }
  }
  const hash = canonicalHash(owner.spec.template, collisionCount === undefined ? '' : String(collisionCount))
  const name = `${owner.metadata.name}-${hash}`
  const collides = revisions.some(({ metadata }) => metadata.name === name)
  const object = {
    metadata: {
      name,
      namespace: owner.metadata.namespace,
      labels: { ...owner.spec.template.metadata?.labels, [revisionHashLabel]: hash },
      annotations: { ...owner.metadata.annotations },
      ownerReferences: [controllerReference(owner)],
    },
    data,
    revision: newest + 1,
  }
  const create: Action = { do: 'create', kind: 'ControllerRevision', object }
  return { current: { name, hash, revision: newest + 1 }, actions: collides ? [] : [create], collides }
}

/** Revisions that no pod has and that are more than `limit`, oldest first. */
export function expiredRevisions(revisions: readonly ControllerRevision[], inUse: ReadonlySet<string>, limit = 10): Action[] {
  const old = revisions
    .filter(({ metadata }) => !inUse.has(metadata.name) && !inUse.has(metadata.labels?.[revisionHashLabel] ?? ''))
    .toSorted((a, b) => a.revision - b.revision)
  return old.slice(0, Math.max(0, old.length - limit)).map(remove)
}
