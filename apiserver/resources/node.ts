/** Node. */
import { duplicate, forbidden, invalid } from '../../api/field-error.ts'
import type { Node, Taint } from '../../api/generated/types.ts'
import { isQualifiedName, isValidCIDR, isValidLabelValue } from '../../api/names.ts'
import { AGE, NAME, NONE, text, UNKNOWN, wide } from './columns.ts'
import { check, type Errors } from './rules/field-rules.ts'
import { validateTaintEffect } from './pod-spec/scheduling.ts'
import { canonicalizeResourceList } from './rules/quantities.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

const NO_INFO = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  kernelVersion: '',
  osImage: '',
  containerRuntimeVersion: '',
  kubeletVersion: '',
  kubeProxyVersion: '',
  operatingSystem: '',
  architecture: '',
}

export const node: ResourceBehaviour<Node> = {
  setDefaults: (node) => {
    node.spec ??= {}
    const { spec, status } = node
    if (spec.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR]
    if (!status) return
    // Never left out: readers look into these without asking.
    status.daemonEndpoints ??= { kubeletEndpoint: { Port: 0 } }
    status.nodeInfo ??= { ...NO_INFO }
    canonicalizeResourceList(status.capacity)
    canonicalizeResourceList(status.allocatable)
    if (!status.allocatable && status.capacity) status.allocatable = { ...status.capacity }
  },
  // A kubelet registers itself with the status that it has already.
  newStatus: ({ status }) => status ?? { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: { ...NO_INFO } },
  prepareForStatusUpdate: (node, old) => {
    node.spec = old.spec
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    if (spec.taints) validateTaints(errors, 'metadata.taints', spec.taints)
    spec.podCIDRs?.forEach((range, i) => check(errors, `spec.podCIDRs[${i}]`, range, isValidCIDR(range)))
    if (spec.podCIDRs?.length && spec.podCIDR !== spec.podCIDRs[0]) {
      errors.push(invalid('spec.podCIDRs', spec.podCIDRs, 'the first entry must match podCIDR'))
    }
    return errors
  },
  validateUpdate: (node, old) => {
    const errors: Errors = []
    if (old.spec.podCIDRs?.length && !sameJson(old.spec.podCIDRs, node.spec.podCIDRs)) {
      errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
    }
    if (old.spec.providerID && old.spec.providerID !== node.spec.providerID) {
      errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
    }
    return errors
  },
  validateStatusUpdate: ({ status }) => {
    const errors: Errors = []
    const seen = new Set<string>()
    status?.addresses?.forEach(({ type, address }, i) => {
      const key = `${type} ${address}`
      if (seen.has(key)) errors.push(duplicate(`status.addresses[${i}]`, { type, address }))
      seen.add(key)
    })
    return errors
  },
  columns: [
    NAME,
    text('Status', 'The status of the node', statusOf),
    text('Roles', 'The roles of the node', rolesOf),
    AGE,
    text('Version', 'Kubelet Version reported by the node.', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
    wide(
      text('Internal-IP', 'Addresses the node is reached at from within the cluster.', (node) => addressOf(node, 'InternalIP')),
    ),
    wide(text('External-IP', 'Addresses the node is reached at from outside.', (node) => addressOf(node, 'ExternalIP'))),
    wide(text('OS-Image', 'OS Image reported by the node.', ({ status }) => status?.nodeInfo?.osImage || UNKNOWN)),
    wide(
      text('Kernel-Version', 'Kernel Version reported by the node.', ({ status }) => status?.nodeInfo?.kernelVersion || UNKNOWN),
    ),
    wide(
      text(
        'Container-Runtime',
        'ContainerRuntime Version reported by the node.',
        ({ status }) => status?.nodeInfo?.containerRuntimeVersion || UNKNOWN,
      ),
    ),
  ],
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
  hasStatus: true,
}

function validateTaints(errors: Errors, path: string, taints: readonly Taint[]): void {
  const seen = new Set<string>()
  taints.forEach((taint, i) => {
    const at = `${path}[${i}]`
    const { key, value, effect } = taint
    check(errors, `${at}.key`, key ?? '', isQualifiedName(key ?? ''))
    const complaints = isValidLabelValue(value ?? '')
    if (complaints.length > 0) errors.push(invalid(`${at}.value`, value, complaints.join(';')))
    validateTaintEffect(errors, `${at}.effect`, effect)
    const pair = `${effect} ${key}`
    if (seen.has(pair)) {
      const shown = JSON.stringify({ Key: key, Value: value ?? '', Effect: effect, TimeAdded: taint.timeAdded ?? null })
      errors.push({ ...duplicate(at, taint), message: `Duplicate value: ${shown}: taints must be unique by key and effect pair` })
    }
    seen.add(pair)
  })
}

function statusOf({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const words = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown']
  if (spec.unschedulable) words.push('SchedulingDisabled')
  return words.join(',')
}

const ROLE_PREFIX = 'node-role.kubernetes.io/'

function rolesOf({ metadata }: Node): string {
  const roles = new Set<string>()
  for (const label in metadata.labels) {
    if (label.startsWith(ROLE_PREFIX) && label.length > ROLE_PREFIX.length) roles.add(label.slice(ROLE_PREFIX.length))
    else if (label === 'kubernetes.io/role' && metadata.labels[label]) roles.add(metadata.labels[label])
  }
  return [...roles].sort().join(',') || NONE
}

const addressOf = ({ status }: Node, wanted: string): string =>
  status?.addresses?.find(({ type }) => type === wanted)?.address ?? NONE
