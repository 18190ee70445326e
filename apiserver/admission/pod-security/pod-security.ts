/** PodSecurity: holds pods to the level that their namespace's labels ask for, and warns of templates that would not pass. */
import type {
  Container,
  CronJob,
  Deployment,
  EphemeralContainer,
  Namespace,
  Pod,
  PodSpec,
  PodTemplate,
} from '../../../api/generated/types.ts'
import type { KubeObject } from '../../../api/object.ts'
import { controllerOf } from '../../../api/object.ts'
import { forbidden, internalError, invalid } from '../../../api/status.ts'
import { toCandidate, type Candidate, type Violation } from './check.ts'
import {
  compareLevels,
  detailsOf,
  isSameLevel,
  levelToString,
  policyOf,
  PREFIX,
  reasonsOf,
  violationsOf,
  type LevelVersion,
  type Policy,
} from './policy.ts'
import type { AdmissionAttributes, AdmissionPlugin, ClusterReader } from '../plugin.ts'

const CONTROLLERS = new Set([
  'replicationcontrollers',
  'podtemplates',
  'replicasets.apps',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
])
const IGNORED_SUBRESOURCES = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])
/** Upstream looks at so many pods of a namespace whose level is raised. */
const MAX_PODS = 3000

const keyOf = ({ resource, group }: AdmissionAttributes): string => (group ? `${resource}.${group}` : resource)

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  handles(attributes) {
    const { operation, subresource } = attributes
    if (operation !== 'CREATE' && operation !== 'UPDATE') return false
    const key = keyOf(attributes)
    if (key === 'pods') return !IGNORED_SUBRESOURCES.has(subresource)
    return subresource === '' && (key === 'namespaces' || CONTROLLERS.has(key))
  },
  validate(attributes, { reader }) {
    if (attributes.resource === 'namespaces') return judgeNamespace(attributes, reader)
    const namespace = reader.get('Namespace', { name: attributes.namespace })
    const isPod = attributes.resource === 'pods'
    if (!namespace && isPod) throw internalError(`failed to lookup namespace ${JSON.stringify(attributes.namespace)}`)
    const { policy } = policyOf(namespace?.metadata.labels)
    const levels = [...(isPod ? [policy.enforce] : []), policy.warn, ...(attributes.auditAnnotations ? [policy.audit] : [])]
    if (levels.every(({ level }) => level === 'privileged')) return
    if (isPod && attributes.operation === 'UPDATE' && !isSignificant(attributes)) return
    const found = extract(attributes.object!)
    if (found) judgePod(attributes, policy, toCandidate(found.annotations, found.spec), isPod)
  },
}

/** Audit first: what is refused is recorded too. A request that is refused is not warned as well. */
function judgePod(attributes: AdmissionAttributes, policy: Policy, candidate: Candidate, enforce: boolean): void {
  const { auditAnnotations, warnings } = attributes
  const would = (level: LevelVersion) => {
    const violations = violationsOf(candidate, level)
    return violations.length > 0 ? `would violate PodSecurity "${levelToString(level)}": ${detailsOf(violations)}` : undefined
  }
  if (auditAnnotations) {
    if (enforce) auditAnnotations[`${PREFIX}enforce-policy`] = levelToString(policy.enforce)
    const violated = would(policy.audit)
    if (violated !== undefined) auditAnnotations[`${PREFIX}audit-violations`] = violated
  }
  const violations = enforce ? violationsOf(candidate, policy.enforce) : []
  if (violations.length > 0) throw refusal(attributes, policy.enforce, violations)
  const warning = would(policy.warn)
  if (warning !== undefined) warnings.push(warning)
}

function refusal(attributes: AdmissionAttributes, level: LevelVersion, violations: readonly Violation[]) {
  const name = attributes.name || (attributes.object?.metadata.name ?? '')
  return forbidden('', 'pods', name, `violates PodSecurity "${levelToString(level)}": ${detailsOf(violations)}`)
}

interface Found {
  annotations: Record<string, string> | undefined
  spec: PodSpec
}

/** The pod in it; undefined where a template is left out. */
function extract(object: KubeObject): Found | undefined {
  if (object.kind === 'Pod') {
    const { metadata, spec } = object as Pod
    return spec && { annotations: metadata.annotations, spec }
  }
  const template =
    object.kind === 'PodTemplate'
      ? (object as PodTemplate).template
      : object.kind === 'CronJob'
        ? (object as CronJob).spec?.jobTemplate.spec?.template
        : (object as Deployment).spec?.template
  return template?.spec && { annotations: template.metadata?.annotations, spec: template.spec }
}

/** Of what an update can change, images and new ephemeral containers matter. */
function isSignificant({ object, oldObject }: AdmissionAttributes): boolean {
  const [now, before] = [(object as Pod).spec, (oldObject as Pod).spec]
  const differs = (a: readonly Container[] = [], b: readonly Container[] = []) =>
    a.length !== b.length || a.some(({ image }, index) => image !== b[index]?.image)
  const old = new Map(before?.ephemeralContainers?.map((container) => [container.name, container.image]))
  const isNew = ({ name, image }: EphemeralContainer) => !old.has(name) || old.get(name) !== image
  return (
    differs(now?.containers, before?.containers) ||
    differs(now?.initContainers, before?.initContainers) ||
    (now?.ephemeralContainers ?? []).some(isNew)
  )
}

function judgeNamespace(attributes: AdmissionAttributes, reader: ClusterReader): void {
  const namespace = attributes.object as Namespace
  const { policy, errors } = policyOf(namespace.metadata.labels)
  const old = attributes.operation === 'UPDATE' ? policyOf(attributes.oldObject?.metadata.labels) : undefined
  if (errors.length > 0 && JSON.stringify(errors) !== JSON.stringify(old?.errors)) {
    throw invalid('', 'Namespace', namespace.metadata.name, errors)
  }
  if (!old || isSameLevel(policy.enforce, old.policy.enforce) || policy.enforce.level === 'privileged') return
  const isRelaxed = compareLevels(policy.enforce.level, old.policy.enforce.level) <= 0
  if (policy.enforce.version === old.policy.enforce.version && isRelaxed) return
  attributes.warnings.push(...warningsOf(namespace.metadata.name, policy.enforce, reader))
}

/** What runs already is not stopped by a new level: its owner is told which pods could not be made again. */
function warningsOf(namespace: string, level: LevelVersion, reader: ClusterReader): string[] {
  const pods = onePodOfEachControllerFirst(reader.list('Pod', namespace))
  const checked = pods.slice(0, MAX_PODS)
  const podsByComplaint = new Map<string, string[]>()
  for (const { metadata, spec } of checked) {
    const violations = spec ? violationsOf(toCandidate(metadata.annotations, spec), level) : []
    if (violations.length === 0) continue
    const complaint = reasonsOf(violations)
    podsByComplaint.set(complaint, [...(podsByComplaint.get(complaint) ?? []), metadata.name])
  }
  const complaints = [...podsByComplaint].map(([complaint, names]) => `${countPods(names)}: ${complaint}`)
  return [
    ...(checked.length < pods.length
      ? [`new PodSecurity enforce level only checked against the first ${checked.length} of ${pods.length} existing pods`]
      : []),
    ...(complaints.length > 0
      ? [
          `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level "${levelToString(level)}"`,
        ]
      : []),
    ...complaints.sort(),
  ]
}

function onePodOfEachControllerFirst(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>()
  const isFirst = (pod: Pod) => {
    const owner = controllerOf(pod)?.uid
    if (owner === undefined) return true
    return !seen.has(owner) && Boolean(seen.add(owner))
  }
  const first = pods.filter(isFirst)
  const chosen = new Set(first)
  return [...first, ...pods.filter((pod) => !chosen.has(pod))]
}

function countPods(names: readonly string[]): string {
  const [first = ''] = names.toSorted()
  const others = names.length - 1
  if (others === 0) return first
  return others === 1 ? `${first} (and 1 other pod)` : `${first} (and ${others} other pods)`
}
