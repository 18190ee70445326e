/** The table of messages, read when it is asked for: which fields a message has, and which message a kind is. */
import { MESSAGES } from './messages.ts'

type Mark = '' | '*' | '%' | '?' | '~'

export interface Field {
  name: string
  number: number
  mark: Mark
  type: string
}

const lines = new Map<string, string>()
const messages = new Map<string, readonly Field[]>()
const byNumber = new Map<string, ReadonlyMap<number, Field>>()

export function isKnownMessage(name: string): boolean {
  return lineOf(name) !== undefined
}

function lineOf(name: string): string | undefined {
  if (lines.size === 0)
    for (const line of MESSAGES.trim().split('\n')) {
      const space = line.indexOf(' ')
      if (space > 0) lines.set(line.slice(0, space), line.slice(space + 1))
      else lines.set(line, '')
    }
  return lines.get(name) ?? listLine(name)
}

/** Lists are all alike. */
function listLine(name: string): string | undefined {
  const item = name.endsWith('List') ? name.slice(0, -4) : ''
  return lines.has(item) ? `metadata=1meta.ListMeta items=2*${item.slice(item.lastIndexOf('.') + 1)}` : undefined
}

/** Throws for a message that is not known. */
export function fieldsOf(name: string): readonly Field[] {
  let fields = messages.get(name)
  if (fields) return fields
  const line = lineOf(name)
  if (line === undefined) throw new Error(`message ${name} is not known`)
  const group = name.slice(0, name.lastIndexOf('.'))
  fields = [...line.matchAll(/([\w$-]+)=(\d+)([*%?~]?)(\S+)/g)].map(([, field, number, mark, type]) => ({
    name: field!,
    number: Number(number),
    mark: mark as Mark,
    type: type!.length === 1 || type!.includes('.') ? type! : `${group}.${type}`,
  }))
  messages.set(name, fields)
  return fields
}

export function fieldsByNumber(name: string): ReadonlyMap<number, Field> {
  let fields = byNumber.get(name)
  if (!fields) byNumber.set(name, (fields = new Map(fieldsOf(name).map((field) => [field.number, field]))))
  return fields
}

/** Older versions whose messages are those of the version that took their place. */
const SAME_MESSAGES: Readonly<Record<string, string>> = {
  'autoscaling/v2beta2': 'autoscaling/v2',
  'batch/v1beta1': 'batch',
  'policy/v1beta1': 'policy',
}

/** Kinds that every group takes, and those that are answered beside objects. */
const META_KINDS = new Set(['DeleteOptions', 'Status', 'APIVersions', 'APIGroupList', 'APIGroup', 'APIResourceList'])

/** Bare metadata is the same in both of its versions; a list of it is not. */
const META_V1BETA1: Readonly<Record<string, string>> = { PartialObjectMetadata: 'meta.PartialObjectMetadata' }

/** `apps/v1 Deployment` is `apps.Deployment`; the group is cut at its first dot. Undefined when it has no message that is known. */
export function messageName(apiVersion: string, kind: string): string | undefined {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/', 2) as [string, string]) : ['core', apiVersion]
  const folder = group === 'events.k8s.io' ? 'events' : group.split('.', 1)[0]!
  const short = { 'rbac.authorization.k8s.io': 'rbac', 'flowcontrol.apiserver.k8s.io': 'flowcontrol' }[group] ?? folder
  const versioned = version === 'v1' ? short : `${short}/${version}`
  const scope = SAME_MESSAGES[versioned] ?? versioned
  const candidates = [`${scope}.${kind}`, ...(META_KINDS.has(kind) ? [`meta.${kind}`] : [])]
  const known = candidates.find(isKnownMessage)
  return known ?? (apiVersion === 'meta.k8s.io/v1beta1' ? META_V1BETA1[kind] : undefined)
}
