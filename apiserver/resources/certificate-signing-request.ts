/** CertificateSigningRequest, with its subresources status and approval. */
import { humanDuration } from '../../api/duration.ts'
import { duplicate, forbidden, invalid, notSupported, required, tooLong } from '../../api/field-error.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../api/generated/types.ts'
import { isDNS1123Label, isDNS1123Subdomain } from '../../api/names.ts'
import { AGE, NAME, NONE, text } from './columns.ts'
import { check, CONDITION_STATUSES, type Errors } from './rules/field-rules.ts'
import { isUrlSegment } from './rules/names.ts'
import type { ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown'
const MIN_EXPIRATION = 600
const MAX_SIGNER = 571

export const certificateSigningRequest: ResourceBehaviour<CertificateSigningRequest> = {
  validateName: isUrlSegment,
  validate: ({ spec, status }) => {
    const errors: Errors = []
    if (!isPemRequest(spec.request)) {
      errors.push(invalid('spec.request', spec.request ?? '', 'PEM block type must be CERTIFICATE REQUEST'))
    }
    if (!spec.usages?.length) errors.push(required('spec.usages', 'usages must be provided'))
    spec.usages?.forEach((usage, i) => {
      if (!USAGES.includes(usage)) errors.push(notSupported(`spec.usages[${i}]`, usage, USAGES))
      if (spec.usages!.indexOf(usage) < i) errors.push(duplicate(`spec.usages[${i}]`, usage))
    })
    if (spec.signerName === LEGACY_SIGNER) {
      errors.push(invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version'))
    } else validateSignerName(errors, 'spec.signerName', spec.signerName)
    if (spec.expirationSeconds !== undefined && spec.expirationSeconds < MIN_EXPIRATION) {
      errors.push(
        invalid(
          'spec.expirationSeconds',
          spec.expirationSeconds,
          `may not specify a duration less than ${MIN_EXPIRATION} seconds (10 minutes)`,
        ),
      )
    }
    validateConditions(errors, status?.conditions ?? [])
    return errors
  },
  // Who asks, and for what, is decided when it is made.
  prepareForUpdate: (request, old) => {
    request.spec = old.spec
  },
  validateStatusUpdate: (request, old) => validateStatus(request, old, { approval: false }),
  validateSubresource: { approval: (request, old) => validateStatus(request, old, { approval: true }) },
  columns: [
    NAME,
    AGE,
    text('SignerName', 'Who is asked to sign.', ({ spec }) => spec.signerName || NONE),
    text('Requestor', 'Who asks.', ({ spec }) => spec.username ?? ''),
    text('RequestedDuration', 'For how long.', ({ spec }) =>
      spec.expirationSeconds === undefined ? NONE : humanDuration(spec.expirationSeconds * 1000),
    ),
    text('Condition', 'What has become of it.', conditionOf),
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  hasStatus: true,
}

const isPemRequest = (base64: string | undefined): boolean => {
  const text = Buffer.from(base64 ?? '', 'base64').toString('latin1')
  return /-----BEGIN CERTIFICATE REQUEST-----[\s\S]+-----END CERTIFICATE REQUEST-----/.test(text)
}

/** `example.com/signer-name`: a domain of at least two labels, and a path of labels. */
function validateSignerName(errors: Errors, path: string, signerName: string | undefined): void {
  if (!signerName) {
    errors.push(required(path, 'signerName must be provided'))
    return
  }
  const segments = signerName.split('/')
  if (segments.length !== 2) {
    errors.push(invalid(path, signerName, "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
    return
  }
  const [domain = '', name = ''] = segments
  if (domain.length > 253) errors.push(tooLong(path, 253))
  for (const label of domain.split('.')) {
    for (const complaint of isDNS1123Label(label))
      errors.push(invalid(path, domain, `validating label ${JSON.stringify(label)}: ${complaint}`))
  }
  if (!domain.includes('.')) errors.push(invalid(path, domain, 'should be a domain with at least two segments separated by dots'))
  check(errors, path, name, isDNS1123Subdomain(name))
  if (signerName.length > MAX_SIGNER) errors.push(tooLong(path, MAX_SIGNER))
}

function validateConditions(errors: Errors, conditions: readonly CertificateSigningRequestCondition[]): void {
  const seen = new Set<string>()
  conditions.forEach(({ type, status }, i) => {
    const at = `status.conditions[${i}]`
    if (!type) errors.push(required(`${at}.type`))
    const isDecision = type === 'Approved' || type === 'Denied' || type === 'Failed'
    const allowed = isDecision ? ['True'] : CONDITION_STATUSES
    if (!status) errors.push(required(`${at}.status`))
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed))
    if ((type === 'Approved' && seen.has('Denied')) || (type === 'Denied' && seen.has('Approved'))) {
      errors.push(invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive'))
    }
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type))
    seen.add(type)
  })
}

const DECISIONS = ['Approved', 'Denied']

/** /approval may decide and not sign; /status may sign, add other conditions, and not decide. */
function validateStatus(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { approval }: { approval: boolean },
): Errors {
  const errors: Errors = []
  validateConditions(errors, request.status?.conditions ?? [])
  const before = old.status?.conditions ?? []
  const after = request.status?.conditions ?? []
  for (const type of [...DECISIONS, 'Failed']) {
    const [was, is] = [before.find((condition) => condition.type === type), after.find((condition) => condition.type === type)]
    if (was && !is)
      errors.push(forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`))
    if (!approval && DECISIONS.includes(type)) {
      if (!was && is)
        errors.push(forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`))
      else if (was && is && !sameJson(was, is)) {
        errors.push(forbidden('status.conditions', `updates may not modify a condition of type ${JSON.stringify(type)}`))
      }
    }
  }
  const [had, has] = [old.status?.certificate ?? '', request.status?.certificate ?? '']
  if (had !== has) {
    if (approval) errors.push(forbidden('status.certificate', 'updates may not set certificate content'))
    else if (had) errors.push(forbidden('status.certificate', 'updates may not modify existing certificate content'))
  }
  return errors
}

function conditionOf({ status }: CertificateSigningRequest): string {
  const types = new Set(status?.conditions?.map(({ type }) => type))
  const words = [types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending']
  if (types.has('Failed')) words.push('Failed')
  if (status?.certificate) words.push('Issued')
  return words.join(',')
}
