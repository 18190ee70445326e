/** Upstream's built-in signers: what each may sign, and who is approved without being asked. */
import type { CertificateSigningRequest } from '../../../api/generated/types.ts'

export interface RequestedCertificate {
  commonName: string
  organizations: readonly string[]
  dnsNames: readonly string[]
  addresses: readonly string[]
  /** Emails and URIs: no built-in signer takes them. */
  otherNames: number
}

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'

const clientUsages = ['digital signature', 'key encipherment', 'client auth']
const servingUsages = ['digital signature', 'key encipherment', 'server auth']

/** Null when the signer takes the request, else why not. */
export const SIGNERS: Readonly<Record<string, (request: RequestedCertificate, csr: CertificateSigningRequest) => string | null>> =
  {
    'kubernetes.io/kube-apiserver-client': (_, csr) => usagesProblem(csr, [...clientUsages], ['client auth']),
    [kubeletClientSigner]: (request, csr) => kubeletClientProblem(request, csr),
    'kubernetes.io/kubelet-serving': (request, csr) => kubeletServingProblem(request, csr),
    'kubernetes.io/legacy-unknown': () => null,
  }

function usagesProblem(
  { spec }: CertificateSigningRequest,
  allowed: readonly string[],
  required: readonly string[],
): string | null {
  const usages = spec.usages ?? []
  if (usages.some((usage) => !allowed.includes(usage))) return `usages did not match ${allowed.join(',')}`
  return required.every((usage) => usages.includes(usage)) ? null : `usages did not include ${required.join(',')}`
}

function nodeProblem({ commonName, organizations }: RequestedCertificate): string | null {
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes') return 'subject organization is not system:nodes'
  return commonName.startsWith('system:node:') ? null : 'subject common name does not begin with system:node: '
}

function kubeletClientProblem(request: RequestedCertificate, csr: CertificateSigningRequest): string | null {
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (request.addresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (request.otherNames > 0) return 'Email and URI subjectAltNames are not allowed'
  return nodeProblem(request) ?? usagesProblem(csr, clientUsages, ['digital signature', 'client auth'])
}

function kubeletServingProblem(request: RequestedCertificate, csr: CertificateSigningRequest): string | null {
  if (request.dnsNames.length + request.addresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (request.otherNames > 0) return 'Email and URI subjectAltNames are not allowed'
  if (request.commonName !== csr.spec.username) return 'requested common name does not match the requester'
  return nodeProblem(request) ?? usagesProblem(csr, servingUsages, ['digital signature', 'server auth'])
}
