/** The rules of affinity, tolerations and topology spread: what the scheduler will read. */
import { duplicate, forbidden, invalid, notSupported, required } from '../../../api/field-error.ts'
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from '../../../api/generated/types.ts'
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isValidLabelValue } from '../../../api/names.ts'
import { check, checkSupported, type Errors, POSITIVE } from '../rules/field-rules.ts'
import { validateLabelSelector } from '../rules/label-selector.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

export function validateAffinity(errors: Errors, path: string, { nodeAffinity, podAffinity, podAntiAffinity }: Affinity): void {
  if (nodeAffinity) {
    const at = `${path}.nodeAffinity`
    if (nodeAffinity[REQUIRED]) validateNodeSelector(errors, `${at}.${REQUIRED}`, nodeAffinity[REQUIRED])
    nodeAffinity[PREFERRED]?.forEach(({ weight, preference }, i) => {
      checkWeight(errors, `${at}.${PREFERRED}[${i}].weight`, weight)
      validateNodeSelectorTerm(errors, `${at}.${PREFERRED}[${i}].preference`, preference)
    })
  }
  if (podAffinity) validatePodAffinity(errors, `${path}.podAffinity`, podAffinity)
  if (podAntiAffinity) validatePodAffinity(errors, `${path}.podAntiAffinity`, podAntiAffinity)
}

function checkWeight(errors: Errors, path: string, weight: number): void {
  if (!(weight > 0 && weight <= 100)) errors.push(invalid(path, weight, 'must be in the range 1-100'))
}

export function validateNodeSelector(errors: Errors, path: string, { nodeSelectorTerms }: NodeSelector): void {
  const at = `${path}.nodeSelectorTerms`
  if (!nodeSelectorTerms?.length) errors.push(required(at, 'must have at least one node selector term'))
  nodeSelectorTerms?.forEach((term, i) => validateNodeSelectorTerm(errors, `${at}[${i}]`, term))
}

function validateNodeSelectorTerm(errors: Errors, path: string, { matchExpressions, matchFields }: NodeSelectorTerm): void {
  matchExpressions?.forEach((requirement, i) => validateNodeRequirement(errors, `${path}.matchExpressions[${i}]`, requirement))
  matchFields?.forEach((requirement, i) => validateFieldRequirement(errors, `${path}.matchFields[${i}]`, requirement))
}

function validateNodeRequirement(errors: Errors, path: string, { key, operator, values = [] }: NodeSelectorRequirement): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      }
      break
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
      }
      break
    default:
      errors.push(invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator'))
  }
  check(errors, `${path}.key`, key ?? '', isQualifiedName(key ?? ''))
  values.forEach((value, i) => check(errors, `${path}.values[${i}]`, value, isValidLabelValue(value)))
}

function validateFieldRequirement(errors: Errors, path: string, { key, operator, values = [] }: NodeSelectorRequirement): void {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1) {
      const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
      errors.push(required(`${path}.values`, why))
    }
  } else errors.push(invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator'))
  if (key === 'metadata.name')
    values.forEach((value, i) => check(errors, `${path}.values[${i}]`, value, isDNS1123Subdomain(value)))
  else errors.push(invalid(`${path}.key`, key ?? '', 'not a valid field selector key'))
}

function validatePodAffinity(errors: Errors, path: string, affinity: PodAffinity): void {
  affinity[REQUIRED]?.forEach((term, i) => validatePodTerm(errors, `${path}.${REQUIRED}[${i}]`, term))
  affinity[PREFERRED]?.forEach(({ weight, podAffinityTerm }, i) => {
    checkWeight(errors, `${path}.${PREFERRED}[${i}].weight`, weight)
    validatePodTerm(errors, `${path}.${PREFERRED}[${i}].podAffinityTerm`, podAffinityTerm)
  })
}

function validatePodTerm(errors: Errors, path: string, term: PodAffinityTerm): void {
  validateLabelSelector(errors, `${path}.labelSelector`, term.labelSelector)
  validateLabelSelector(errors, `${path}.namespaceSelector`, term.namespaceSelector)
  term.namespaces?.forEach((name) => check(errors, `${path}.namespace`, name, isDNS1123Label(name)))
  validateMatchLabelKeys(errors, path, 'matchLabelKeys', term.matchLabelKeys, term)
  validateMatchLabelKeys(errors, path, 'mismatchLabelKeys', term.mismatchLabelKeys, term)
  if (!term.topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'))
  check(errors, `${path}.topologyKey`, term.topologyKey ?? '', isQualifiedName(term.topologyKey ?? ''))
}

function validateMatchLabelKeys(
  errors: Errors,
  path: string,
  member: string,
  keys: readonly string[] | undefined,
  { labelSelector }: Pick<PodAffinityTerm, 'labelSelector'>,
): void {
  if (!keys?.length) return
  if (!labelSelector) errors.push(forbidden(`${path}.${member}`, 'must not be specified when labelSelector is not set'))
  keys.forEach((key, i) => check(errors, `${path}.${member}[${i}]`, key, isQualifiedName(key)))
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function validateTaintEffect(errors: Errors, path: string, effect: string | undefined): void {
  if (!effect) errors.push(required(path))
  else if (!EFFECTS.includes(effect)) errors.push(notSupported(path, effect, EFFECTS))
}

export function validateTolerations(errors: Errors, path: string, tolerations: readonly Toleration[]): void {
  tolerations.forEach((toleration, i) => {
    const at = `${path}[${i}]`
    const { key, operator = '', effect = '', value = '', tolerationSeconds } = toleration
    if (key) check(errors, `${at}.key`, key, isQualifiedName(key))
    else if (operator !== 'Exists') {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
      errors.push(invalid(`${at}.operator`, operator, why))
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    }
    if (operator === '' || operator === 'Equal') {
      const complaints = isValidLabelValue(value)
      if (complaints.length > 0) errors.push(invalid(`${at}.operator`, value, complaints.join(';')))
    } else if (operator === 'Exists') {
      if (value) errors.push(invalid(`${at}.operator`, asGo(toleration), "value must be empty when `operator` is 'Exists'"))
    } else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']))
    if (effect && !EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, EFFECTS))
  })
}

/** As upstream's own type prints. */
const asGo = ({ key, operator, value, effect, tolerationSeconds }: Toleration) => ({
  Key: key ?? '',
  Operator: operator ?? '',
  Value: value ?? '',
  Effect: effect ?? '',
  TolerationSeconds: tolerationSeconds ?? null,
})

const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway']
const INCLUSION = ['Honor', 'Ignore']

export function validateTopologySpread(
  errors: Errors,
  path: string,
  constraints: readonly TopologySpreadConstraint[] | undefined,
): void {
  constraints?.forEach((constraint, i) => {
    const at = `${path}[${i}]`
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint
    if (!(maxSkew > 0)) errors.push(invalid(`${at}.maxSkew`, maxSkew, POSITIVE))
    if (!topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    else check(errors, `${at}.topologyKey`, topologyKey, isQualifiedName(topologyKey))
    if (!ACTIONS.includes(whenUnsatisfiable)) errors.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ACTIONS))
    // Told of the first of them, once for each that repeats it.
    if (
      constraints.slice(i + 1).some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)
    ) {
      errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`))
    }
    if (minDomains !== undefined) validateMinDomains(errors, `${at}.minDomains`, minDomains, whenUnsatisfiable)
    checkSupported(errors, `${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, INCLUSION)
    checkSupported(errors, `${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, INCLUSION)
    validateMatchLabelKeys(errors, at, 'matchLabelKeys', constraint.matchLabelKeys, constraint)
    validateLabelSelector(errors, `${at}.labelSelector`, constraint.labelSelector)
  })
}

function validateMinDomains(errors: Errors, path: string, minDomains: number, whenUnsatisfiable: string): void {
  if (minDomains <= 0) errors.push(invalid(path, minDomains, POSITIVE))
  if (whenUnsatisfiable !== 'DoNotSchedule') {
    const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
    errors.push(invalid(path, minDomains, why))
  }
}
