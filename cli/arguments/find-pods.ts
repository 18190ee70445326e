/** The pods behind what a user names: the pod itself, or those that a workload or service selects. */
import type { Pod } from '../../api/generated/types.ts'
import { formatLabelSelector } from '../../api/labels.ts'
import type { LabelSelector } from '../../api/generated/types.ts'
import { CliError } from '../errors.ts'
import { parseReferences } from './object-arguments.ts'
import { pathOf, qualifiedPlural, type ResourceType } from './resource-types.ts'
import type { Session } from '../session.ts'

interface Selecting {
  spec?: { selector?: LabelSelector | Record<string, string> }
}

/** `web`, `pod/web` or `deployment/web`: ready pods first, then the older. */
export async function findPods(session: Session, argument: string): Promise<Pod[]> {
  const [reference] = await parseReferences(argument.includes('/') ? [argument] : ['pod', argument], session.types)
  const { type, name } = reference!
  const { namespace } = session
  if (type.kind === 'Pod') return [await session.client.get('Pod', { namespace, name })]
  const owner = await session.client.raw<Selecting>('GET', pathOf(type, { namespace, name }))
  const pods = await podsOf(session, selectorOf(owner, type))
  if (pods.length === 0) throw new CliError(`no pods found for ${qualifiedPlural(type)} ${JSON.stringify(name)}`)
  return pods
}

export async function podsOf(session: Session, labelSelector: string): Promise<Pod[]> {
  const { items } = await session.client.list('Pod', { namespace: session.namespace, labelSelector })
  return items.toSorted(
    (a, b) =>
      Number(isReady(b)) - Number(isReady(a)) ||
      (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''),
  )
}

const isReady = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

function selectorOf({ spec }: Selecting, type: ResourceType): string {
  const selector = spec?.selector
  if (!selector) throw new CliError(`cannot attach to *${type.version}.${type.kind}: selector for pods is missing`)
  const isPlain = type.kind === 'Service' || type.kind === 'ReplicationController'
  return formatLabelSelector(isPlain ? { matchLabels: selector as Record<string, string> } : (selector as LabelSelector))
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

/** The container that was asked for, else the pod's default one, with a word on which others there are. */
export function chooseContainer(session: Session, { metadata, spec }: Pod, wanted: string | undefined): string {
  const names = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].map(({ name }) => name)
  if (wanted !== undefined) {
    if (!names.includes(wanted)) throw new CliError(`container ${wanted} is not valid for pod ${metadata.name}`)
    return wanted
  }
  const preferred = metadata.annotations?.[DEFAULT_CONTAINER]
  if (preferred !== undefined && names.includes(preferred)) return preferred
  const [first = ''] = names
  if (names.length > 1) session.note(`Defaulted container ${JSON.stringify(first)} out of: ${describeContainers({ spec })}`)
  return first
}

const describeContainers = ({ spec }: Pick<Pod, 'spec'>): string =>
  [
    ...spec.containers.map(({ name }) => name),
    ...(spec.initContainers ?? []).map(({ name }) => `${name} (init)`),
    ...(spec.ephemeralContainers ?? []).map(({ name }) => `${name} (ephem)`),
  ].join(', ')
