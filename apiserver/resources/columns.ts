/** The columns that many kinds share, and the small words cells are made of. */
import type { Container, LabelSelector, LoadBalancerStatus } from '../../api/generated/types.ts'
import { ageOf } from '../../api/duration.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Column } from './resource.ts'

/** Unlike in custom resources, upstream's own columns show a name as type string with format name. */
export const NAME: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.',
  value: (object) => object.metadata.name,
}

export const AGE: Column<KubeObject> = {
  name: 'Age',
  type: 'string',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  value: (object, now) => ageOf(object.metadata.creationTimestamp, now),
}

/** What upstream shows of kinds that it has no columns for. */
export const CREATED_AT: Column<KubeObject> = {
  name: 'Created At',
  type: 'date',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  value: (object) => object.metadata.creationTimestamp ?? '',
}

/** A column of text, shown always. */
export const text = <T>(name: string, description: string, value: (object: T, now: Date) => unknown): Column<T> => ({
  name,
  type: 'string',
  description,
  value,
})

export const integer = <T>(
  name: string,
  description: string,
  value: (object: T, now: Date) => number | undefined,
): Column<T> => ({
  name,
  type: 'integer',
  description,
  value: (object, now) => value(object, now) ?? 0,
})

export const boolean = <T>(name: string, description: string, value: (object: T) => boolean | undefined): Column<T> => ({
  name,
  type: 'boolean',
  description,
  value: (object) => value(object) ?? false,
})

/** Only with `-o wide`. */
export const wide = <T>(column: Column<T>): Column<T> => ({ ...column, priority: 1 })

export const NONE = '<none>'
export const UNSET = '<unset>'
export const UNKNOWN = '<unknown>'

type Labels = Record<string, string> | undefined

/** `a=1,b=2` in key order, `<none>` when there are none. */
export const formatLabels = (labels: Labels): string =>
  Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || NONE

/** The three wide columns of everything that has a pod template. */
export const templateColumns = <T>(
  containers: (object: T) => readonly Container[],
  selector?: (object: T) => LabelSelector | undefined,
): Column<T>[] => [
  wide(text('Containers', 'Names of each container in the template.', (object) => join(containers(object), 'name'))),
  wide(text('Images', 'Images referenced by each container in the template.', (object) => join(containers(object), 'image'))),
  ...(selector ? [wide(text('Selector', 'Label selector of the pods.', (object: T) => formatSelector(selector(object))))] : []),
]

/** A selector that cannot be read is shown as one, as upstream does. */
export function formatSelector(selector: LabelSelector | undefined): string {
  try {
    return formatLabelSelector(selector)
  } catch {
    return '<error>'
  }
}

export const join = (containers: readonly Container[] | undefined, member: 'name' | 'image'): string =>
  (containers ?? []).map((container) => container[member] ?? '').join(',')

/** The first three, and how many more there are. */
export function firstThree(items: readonly string[], none: string): string {
  const shown = items.slice(0, 3).join(',')
  if (items.length > 3) return `${shown} + ${items.length - 3} more...`
  return shown || none
}

/** Addresses of a load balancer, distinct and in order. */
export function loadBalancerAddresses(status: LoadBalancerStatus | undefined): string {
  const addresses = new Set<string>()
  for (const { ip, hostname } of status?.ingress ?? []) {
    const address = ip || hostname
    if (address) addresses.add(address)
  }
  return [...addresses].sort().join(',')
}

const ACCESS_MODES: [string, string][] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
]

export const formatAccessModes = (modes: readonly string[] | undefined): string =>
  ACCESS_MODES.filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',')
