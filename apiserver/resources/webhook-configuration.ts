/** MutatingWebhookConfiguration and ValidatingWebhookConfiguration. */
import { duplicate, invalid, notSupported, required } from '../../api/field-error.ts'
import type {
  AdmissionregistrationWebhookClientConfig,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../../api/generated/types.ts'
import { isDNS1035Label, isDNS1123Subdomain, isValidPortNumber } from '../../api/names.ts'
import { expressionComplaint } from '../webhooks/match-conditions.ts'
import { setRuleDefaults, validateConditions, validateRules } from './rules/admission-rules.ts'
import { AGE, integer, NAME } from './columns.ts'
import { check, checkSupported, type Errors } from './rules/field-rules.ts'
import { validateLabelSelector } from './rules/label-selector.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

type Webhook = MutatingWebhook | ValidatingWebhook

const WEBHOOKS = 'Webhooks indicates the number of webhooks registered in this configuration'
const REVIEW_VERSIONS = ['v1', 'v1beta1']
const SIDE_EFFECTS = ['None', 'NoneOnDryRun']

export const mutatingWebhookConfiguration: ResourceBehaviour<MutatingWebhookConfiguration> = {
  setDefaults: ({ webhooks }) => {
    for (const webhook of webhooks ?? []) {
      setWebhookDefaults(webhook)
      webhook.reinvocationPolicy ??= 'Never'
    }
  },
  validate: ({ webhooks }) => {
    const errors: Errors = []
    validateWebhooks(errors, webhooks)
    webhooks?.forEach(({ reinvocationPolicy }, i) => {
      checkSupported(errors, `webhooks[${i}].reinvocationPolicy`, reinvocationPolicy, ['IfNeeded', 'Never'])
    })
    return errors
  },
  generationChanges: (configuration, old) => !sameJson(configuration.webhooks, old.webhooks),
  columns: [NAME, integer('Webhooks', WEBHOOKS, ({ webhooks }) => webhooks?.length), AGE],
}

export const validatingWebhookConfiguration: ResourceBehaviour<ValidatingWebhookConfiguration> = {
  setDefaults: ({ webhooks }) => {
    for (const webhook of webhooks ?? []) setWebhookDefaults(webhook)
  },
  validate: ({ webhooks }) => {
    const errors: Errors = []
    validateWebhooks(errors, webhooks)
    return errors
  },
  generationChanges: (configuration, old) => !sameJson(configuration.webhooks, old.webhooks),
  columns: [NAME, integer('Webhooks', WEBHOOKS, ({ webhooks }) => webhooks?.length), AGE],
}

function setWebhookDefaults(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= 10
  setRuleDefaults(webhook.rules)
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443
}

function validateWebhooks(errors: Errors, webhooks: readonly Webhook[] | undefined): void {
  const names = new Set<string>()
  webhooks?.forEach((webhook, i) => {
    const at = `webhooks[${i}]`
    validateWebhook(errors, at, webhook)
    if (names.has(webhook.name)) errors.push(duplicate(`${at}.name`, webhook.name))
    names.add(webhook.name)
  })
}

function validateWebhook(errors: Errors, path: string, webhook: Webhook): void {
  validateWebhookName(errors, `${path}.name`, webhook.name)
  validateRules(errors, `${path}.rules`, webhook.rules)
  checkSupported(errors, `${path}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore'])
  checkSupported(errors, `${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact'])
  if (!webhook.sideEffects) errors.push(required(`${path}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`))
  else if (!SIDE_EFFECTS.includes(webhook.sideEffects))
    errors.push(notSupported(`${path}.sideEffects`, webhook.sideEffects, SIDE_EFFECTS))
  const timeout = webhook.timeoutSeconds ?? 10
  if (timeout < 1 || timeout > 30) {
    errors.push(invalid(`${path}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds'))
  }
  validateLabelSelector(errors, `${path}.namespaceSelector`, webhook.namespaceSelector)
  validateLabelSelector(errors, `${path}.objectSelector`, webhook.objectSelector)
  validateReviewVersions(errors, `${path}.admissionReviewVersions`, webhook.admissionReviewVersions ?? [])
  validateClientConfig(errors, `${path}.clientConfig`, webhook.clientConfig ?? {})
  validateConditions(errors, `${path}.matchConditions`, webhook.matchConditions)
  webhook.matchConditions?.forEach(({ expression }, i) => {
    const complaint = expression?.trim() ? expressionComplaint(expression) : null
    if (complaint !== null) errors.push(invalid(`${path}.matchConditions[${i}].expression`, expression, complaint))
  })
}

/** A domain of at least three labels. */
function validateWebhookName(errors: Errors, path: string, name: string): void {
  if (!name) {
    errors.push(required(path))
    return
  }
  check(errors, path, name, isDNS1123Subdomain(name))
  if (name.split('.').length < 3)
    errors.push(invalid(path, name, 'should be a domain with at least three segments separated by dots'))
}

export function validateReviewVersions(
  errors: Errors,
  path: string,
  versions: readonly string[],
  none = `must specify one of ${REVIEW_VERSIONS.join(', ')}`,
): void {
  if (versions.length === 0) {
    errors.push(required(path, none))
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) errors.push(invalid(`${path}[${i}]`, version, 'duplicate version'))
    for (const complaint of isDNS1035Label(version)) errors.push(invalid(`${path}[${i}]`, version, complaint))
  })
  if (!versions.some((version) => REVIEW_VERSIONS.includes(version))) {
    errors.push(invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
  }
}

export function validateClientConfig(
  errors: Errors,
  path: string,
  { url, service }: AdmissionregistrationWebhookClientConfig,
): void {
  if (Boolean(url) === Boolean(service)) {
    errors.push(required(path, 'exactly one of url or service is required'))
    return
  }
  if (url) validateUrl(errors, `${path}.url`, url)
  if (!service) return
  const at = `${path}.service`
  if (!service.namespace) errors.push(required(`${at}.namespace`, 'service namespace is required'))
  if (!service.name) errors.push(required(`${at}.name`, 'service name is required'))
  if (service.path !== undefined) validateServicePath(errors, `${at}.path`, service.path)
  const complaints = isValidPortNumber(service.port ?? 443)
  if (complaints.length > 0) errors.push(invalid(`${at}.port`, service.port, `port is not valid: ${complaints.join(', ')}`))
}

function validateUrl(errors: Errors, path: string, text: string): void {
  const form = '; desired format: https://host[/path]'
  if (!URL.canParse(text)) {
    errors.push(required(path, `url must be a valid URL: parse ${JSON.stringify(text)}${form}`))
    return
  }
  const url = new URL(text)
  if (url.protocol !== 'https:') {
    errors.push(invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`))
  }
  if (url.host === '') errors.push(invalid(path, url.host, `host must be specified${form}`))
  if (url.username || url.password)
    errors.push(
      invalid(path, [url.username, url.password].filter(Boolean).join(':'), 'user information is not permitted in the URL'),
    )
  if (url.hash) errors.push(invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL'))
  if (url.search) errors.push(invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL'))
}

function validateServicePath(errors: Errors, path: string, text: string): void {
  if (text === '/' || text === '') return
  if (text === '//') {
    errors.push(invalid(path, text, 'segment[0] may not be empty'))
    return
  }
  if (!text.startsWith('/')) errors.push(invalid(path, text, "must start with a '/'"))
  const steps = text.slice(1).replace(/\/$/, '').split('/')
  steps.forEach((step, i) => {
    if (step === '') errors.push(invalid(path, text, `segment[${i}] may not be empty`))
    else for (const complaint of isDNS1123Subdomain(step)) errors.push(invalid(path, text, `segment[${i}]: ${complaint}`))
  })
}
