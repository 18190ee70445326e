/** LimitRanger: fills in a namespace's default requests and limits, and refuses what is outside its ranges. */
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod, PodSpec } from '../../../api/generated/types.ts'
import { canonicalQuantity, compareQuantity, parseQuantity, quantityToString, type Quantity } from '../../../api/quantity.ts'
import { aggregate } from '../../../api/status.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../plugin.ts'
import { computePodResources, toAmounts, type Amounts } from './pod-resources.ts'
import { isResource, isWriteOf, refuse } from '../refuse.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  handles: (attributes) =>
    isWriteOf(attributes, 'pods', 'CREATE') ||
    isResize(attributes) ||
    isWriteOf(attributes, 'persistentvolumeclaims', 'CREATE', 'UPDATE'),
  admit(attributes, { reader }) {
    // What a pod runs with stays as it is where the resize says nothing of it.
    if (attributes.resource !== 'pods' || isResize(attributes)) return
    for (const limits of limitsIn(attributes, reader)) setDefaults(attributes.object as Pod, limits)
  },
  validate(attributes, { reader }) {
    if (attributes.oldObject?.metadata.deletionTimestamp) return
    const check = attributes.resource === 'pods' ? checkPod : checkClaim
    for (const limits of limitsIn(attributes, reader)) {
      const errors = check(attributes, limits)
      if (errors.length > 0) throw refuse(attributes, aggregate(errors))
    }
  },
}

const isResize = (attributes: AdmissionAttributes): boolean =>
  isResource(attributes, 'pods') && attributes.subresource === 'resize' && attributes.operation === 'UPDATE'

/** One list of items for each LimitRange of the namespace. */
const limitsIn = ({ namespace }: AdmissionAttributes, reader: ClusterReader): LimitRangeItem[][] =>
  reader.list('LimitRange', namespace).map(({ spec }) => spec?.limits ?? [])

function setDefaults(pod: Pod, limits: readonly LimitRangeItem[]): void {
  const ofContainers = limits.filter(({ type }) => type === 'Container')
  const requests = Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest)) as Record<string, string>
  const defaults = Object.assign({}, ...ofContainers.map((item) => item.default)) as Record<string, string>
  const set = [
    ...(pod.spec?.containers ?? []).flatMap((container) => fill(container, 'container', requests, defaults)),
    ...(pod.spec?.initContainers ?? []).flatMap((container) => fill(container, 'init container', requests, defaults)),
  ]
  if (set.length === 0) return
  pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${set.join('; ')}` }
}

/** Answers what was filled in, in the words of the annotation. */
function fill(container: Container, kind: string, requests: Record<string, string>, limits: Record<string, string>): string[] {
  const missing = (present: Record<string, string> | undefined, defaults: Record<string, string>) =>
    Object.keys(defaults)
      .filter((name) => present?.[name] === undefined)
      .sort()
  const pick = (defaults: Record<string, string>, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, defaults[name]!]))
  const own = container.resources ?? {}
  const newLimits = missing(own.limits, limits)
  const newRequests = missing(own.requests, requests)
  if (newLimits.length + newRequests.length === 0) return []
  container.resources = {
    ...own,
    ...(newLimits.length > 0 && { limits: { ...own.limits, ...pick(limits, newLimits) } }),
    ...(newRequests.length > 0 && { requests: { ...own.requests, ...pick(requests, newRequests) } }),
  }
  const said = (names: readonly string[], what: string) =>
    names.length > 0 ? [`${names.join(', ')} ${what} for ${kind} ${container.name}`] : []
  return [...said(newRequests, 'request'), ...said(newLimits, 'limit')]
}

function checkPod({ object }: AdmissionAttributes, limits: readonly LimitRangeItem[]): string[] {
  const { spec } = object as Pod
  if (!spec) return []
  return limits.flatMap((limit) => {
    if (limit.type === 'Pod') return checkAmounts(limit, podAmounts(spec, 'requests'), podAmounts(spec, 'limits'))
    if (limit.type !== 'Container') return []
    return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
      checkAmounts(limit, toAmounts(resources?.requests), toAmounts(resources?.limits)),
    )
  })
}

const podAmounts = (spec: PodSpec, kind: 'requests' | 'limits'): Amounts =>
  computePodResources({ ...spec, overhead: undefined }, kind)

function checkClaim({ object }: AdmissionAttributes, limits: readonly LimitRangeItem[]): string[] {
  const requests = toAmounts((object as PersistentVolumeClaim).spec?.resources?.requests)
  return limits
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((limit) => [
      ...eachOf(limit.min, (name, bound) => tooLittle(limit.type, name, bound, requests, new Map())),
      ...eachOf(limit.max, (name, bound) => tooMuchRequested(limit.type, name, bound, requests)),
    ])
}

const checkAmounts = (limit: LimitRangeItem, requests: Amounts, limits: Amounts): string[] => [
  ...eachOf(limit.min, (name, bound) => tooLittle(limit.type, name, bound, requests, limits)),
  ...eachOf(limit.max, (name, bound) => tooMuch(limit.type, name, bound, requests, limits)),
  ...eachOf(limit.maxLimitRequestRatio, (name, bound) => tooWide(limit.type, name, bound, requests, limits)),
]

function eachOf(bounds: Record<string, string> | undefined, check: (name: string, bound: string) => string | null): string[] {
  return Object.entries(bounds ?? {}).flatMap(([name, bound]) => check(name, bound) ?? [])
}

const isBelow = (amount: Quantity, bound: string): boolean => compareQuantity(amount, parseQuantity(bound)) < 0
const isAbove = (amount: Quantity, bound: string): boolean => compareQuantity(amount, parseQuantity(bound)) > 0

function tooLittle(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | null {
  const rule = `minimum ${name} usage per ${type} is ${canonicalQuantity(bound)}`
  const [request, limit] = [requests.get(name), limits.get(name)]
  if (!request) return `${rule}.  No request is specified`
  if (isBelow(request, bound)) return `${rule}, but request is ${quantityToString(request)}`
  return limit && isBelow(limit, bound) ? `${rule}, but limit is ${quantityToString(limit)}` : null
}

function tooMuchRequested(type: string, name: string, bound: string, requests: Amounts): string | null {
  const rule = `maximum ${name} usage per ${type} is ${canonicalQuantity(bound)}`
  const request = requests.get(name)
  if (!request) return `${rule}.  No request is specified`
  return isAbove(request, bound) ? `${rule}, but request is ${quantityToString(request)}` : null
}

function tooMuch(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | null {
  const rule = `maximum ${name} usage per ${type} is ${canonicalQuantity(bound)}`
  const [request, limit] = [requests.get(name), limits.get(name)]
  if (!limit) return `${rule}.  No limit is specified`
  if (isAbove(limit, bound)) return `${rule}, but limit is ${quantityToString(limit)}`
  return request && isAbove(request, bound) ? `${rule}, but request is ${quantityToString(request)}` : null
}

function tooWide(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | null {
  const rule = `${name} max limit to request ratio per ${type} is ${canonicalQuantity(bound)}`
  const [request, limit] = [requests.get(name), limits.get(name)]
  if (!request || request.nano === 0n) return `${rule}, but no request is specified or request is 0`
  if (!limit || limit.nano === 0n) return `${rule}, but no limit is specified or limit is 0`
  const ratio = Number(limit.nano) / Number(request.nano)
  return ratio > Number(parseQuantity(bound).nano) / 1e9 ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : null
}
