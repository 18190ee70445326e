/** Upstream's built-in signers: what each may sign, and who is approved without being asked. */
import type { CertificateSigningRequest } from '../../../api/generated/types.ts'

export interface RequestedCertificate {
  commonName: string
  organizations: readonly string[]
  dnsNames: readonly string[]
  addresses: readonly string[]
  emails: readonly string[]
  /** And names of the kinds that hardly anybody uses. */
  uris: readonly string[]
}

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet'

/** In upstream's order, which its message has. Key encipherment is for keys of RSA alone. */
const clientUsages = ['client auth', 'digital signature', 'key encipherment']
const servingUsages = ['digital signature', 'key encipherment', 'server auth']

/** Null when the signer takes the request, else why not. */
export const SIGNERS: Readonly<Record<string, (request: RequestedCertificate, csr: CertificateSigningRequest) => string | null>> =
  {
    'kubernetes.io/kube-apiserver-client': (_, csr) => clientProblem(csr),
    [kubeletClientSigner]: (request, csr) => kubeletClientProblem(request, csr),
    'kubernetes.io/kubelet-serving': (request, csr) => kubeletServingProblem(request, csr),
    'kubernetes.io/legacy-unknown': () => null,
  }

function clientProblem({ spec: { usages = [] } }: CertificateSigningRequest): string | null {
  const strange = usages.find((usage) => !clientUsages.includes(usage))
  if (strange !== undefined) return `invalid usage for client certificate: ${strange}`
  return usages.includes('client auth') ? null : 'missing required usage for client certificate: client auth'
}

function usagesProblem({ spec: { usages = [] } }: CertificateSigningRequest, known: readonly string[]): string | null {
  const fits =
    usages.every((usage) => known.includes(usage)) &&
    known.every((usage) => usage === 'key encipherment' || usages.includes(usage))
  return fits ? null : `usages did not match [${known.join(' ')}]`
}

const organizationProblem = ({ organizations }: RequestedCertificate): string | null =>
  organizations.length === 1 && organizations[0] === 'system:nodes' ? null : 'subject organization is not system:nodes'

const commonNameProblem = ({ commonName }: RequestedCertificate): string | null =>
  commonName.startsWith('system:node:') ? null : 'subject common name does not begin with system:node:'

const notAllowed = (kind: string, names: readonly string[]): string | null =>
  names.length > 0 ? `${kind} subjectAltNames are not allowed` : null

const kubeletClientProblem = (request: RequestedCertificate, csr: CertificateSigningRequest): string | null =>
  organizationProblem(request) ??
  notAllowed('DNS', request.dnsNames) ??
  notAllowed('Email', request.emails) ??
  notAllowed('IP', request.addresses) ??
  notAllowed('URI', request.uris) ??
  commonNameProblem(request) ??
  usagesProblem(csr, clientUsages)

function kubeletServingProblem(request: RequestedCertificate, csr: CertificateSigningRequest): string | null {
  // Upstream leaves this to whoever approves.
  if (request.commonName !== csr.spec.username) return 'requested common name does not match the requester'
  return (
    organizationProblem(request) ??
    (request.dnsNames.length + request.addresses.length === 0 ? 'DNS or IP subjectAltName is required' : null) ??
    notAllowed('Email', request.emails) ??
    notAllowed('URI', request.uris) ??
    usagesProblem(csr, servingUsages) ??
    commonNameProblem(request)
  )
}
