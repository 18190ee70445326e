/** NetworkPolicy. */
import { forbidden, invalid, notSupported, required } from '../../api/field-error.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../api/generated/types.ts'
import { isValidCIDR, isValidPortName, isValidPortNumber } from '../../api/names.ts'
import { parseRange } from '../allocators/ip-range.ts'
import { AGE, formatSelector, NAME, text } from './columns.ts'
import { specChanges } from './define-resource.ts'
import { check, checkRequired, type Errors } from './rules/field-rules.ts'
import { validateLabelSelector } from './rules/label-selector.ts'
import type { ResourceBehaviour } from './resource.ts'

export const networkPolicy: ResourceBehaviour<NetworkPolicy> = {
  setDefaults: (policy) => {
    const spec = (policy.spec ??= {})
    spec.podSelector ??= {}
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of ports ?? []) port.protocol ||= 'TCP'
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  validate: ({ spec }) => {
    const errors: Errors = []
    validateLabelSelector(errors, 'spec.podSelector', spec.podSelector)
    spec.ingress?.forEach(({ ports, from }, i) => validateRule(errors, `spec.ingress[${i}]`, ports, 'from', from))
    spec.egress?.forEach(({ ports, to }, i) => validateRule(errors, `spec.egress[${i}]`, ports, 'to', to))
    const types = spec.policyTypes ?? []
    if (types.length > 2) {
      errors.push(invalid('spec.policyTypes', types, 'may not specify more than two policyTypes'))
      return errors
    }
    types.forEach((type, i) => {
      if (type !== 'Ingress' && type !== 'Egress')
        errors.push(notSupported(`spec.policyTypes[${i}]`, type, ['Ingress', 'Egress']))
    })
    return errors
  },
  generationChanges: specChanges,
  columns: [
    NAME,
    text('Pod-Selector', 'Labels of the pods that the policy is about.', ({ spec }) => formatSelector(spec.podSelector)),
    AGE,
  ],
}

function validateRule(
  errors: Errors,
  path: string,
  ports: readonly NetworkPolicyPort[] | undefined,
  member: 'from' | 'to',
  peers: readonly NetworkPolicyPeer[] | undefined,
): void {
  ports?.forEach((port, i) => validatePort(errors, `${path}.ports[${i}]`, port))
  peers?.forEach((peer, i) => validatePeer(errors, `${path}.${member}[${i}]`, peer))
}

function validatePort(errors: Errors, path: string, { protocol, port, endPort }: NetworkPolicyPort): void {
  if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP') {
    errors.push(notSupported(`${path}.protocol`, protocol, ['TCP', 'UDP', 'SCTP']))
  }
  if (typeof port === 'number') {
    check(errors, `${path}.port`, port, isValidPortNumber(port))
    if (endPort === undefined) return
    if (endPort < port) errors.push(invalid(`${path}.endPort`, port, 'must be greater than or equal to `port`'))
    check(errors, `${path}.endPort`, endPort, isValidPortNumber(endPort))
    return
  }
  if (typeof port === 'string') {
    if (endPort !== undefined) errors.push(invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
    check(errors, `${path}.port`, port, isValidPortName(port))
  } else if (endPort !== undefined)
    errors.push(invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is not specified'))
}

function validatePeer(errors: Errors, path: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): void {
  validateLabelSelector(errors, `${path}.podSelector`, podSelector)
  validateLabelSelector(errors, `${path}.namespaceSelector`, namespaceSelector)
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, 'must specify a peer'))
  else if ((podSelector || namespaceSelector) && ipBlock)
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'))
  if (ipBlock) validateBlock(errors, `${path}.ipBlock`, ipBlock)
}

function validateBlock(errors: Errors, path: string, { cidr, except }: IPBlock): void {
  if (!checkRequired(errors, `${path}.cidr`, cidr)) return
  const complaints = isValidCIDR(cidr)
  check(errors, `${path}.cidr`, cidr, complaints)
  if (complaints.length > 0) return
  except?.forEach((inner, i) => {
    const at = `${path}.except[${i}]`
    const wrong = isValidCIDR(inner)
    check(errors, at, inner, wrong)
    if (wrong.length === 0 && !isStrictlyInside(inner, cidr)) errors.push(invalid(at, inner, 'must be a strict subset of `cidr`'))
  })
}

function isStrictlyInside(inner: string, outer: string): boolean {
  const [address = '', length = ''] = inner.split('/')
  const range = parseRange(outer)
  const outerLength = Number(outer.split('/')[1])
  const isNetworkAddress = outer.startsWith(`${address}/`)
  return Number(length) > outerLength && (isNetworkAddress || range.offsetOf(address) >= 0)
}
