/** CertificateApproval, CertificateSigning and CertificateSubjectRestriction: who may decide about whose certificate. */
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { ClusterAuthorizer } from '../auth/authorization/authorizer.ts'
import type { UserInfo } from '../auth/user.ts'
import { sameJson } from '../resources/rules/same-json.ts'
import { organizationsIn } from './certificate-request.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { isResource, isWriteOf, refuse } from './refuse.ts'

const REQUESTS = 'certificatesigningrequests.certificates.k8s.io'
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'

const isUpdateOf = (attributes: AdmissionAttributes, subresource: string): boolean =>
  attributes.operation === 'UPDATE' && attributes.subresource === subresource && isResource(attributes, REQUESTS)

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  handles: (attributes) => isUpdateOf(attributes, 'approval'),
  validate(attributes, { authorizer }) {
    // The old one counts: this write must not bring its own signer.
    const { signerName } = (attributes.oldObject as CertificateSigningRequest).spec
    if (mayAct(authorizer, attributes.user, 'approve', signerName)) return
    throw refuse(attributes, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`)
  },
}

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  handles: (attributes) => isUpdateOf(attributes, 'status'),
  validate(attributes, { authorizer }) {
    const old = attributes.oldObject as CertificateSigningRequest
    const { status } = attributes.object as CertificateSigningRequest
    if (status?.certificate === old.status?.certificate && sameJson(status?.conditions, old.status?.conditions)) return
    const { signerName } = old.spec
    if (mayAct(authorizer, attributes.user, 'sign', signerName)) return
    throw refuse(attributes, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`)
  },
}

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  handles: (attributes) => isWriteOf(attributes, REQUESTS, 'CREATE'),
  validate(attributes) {
    const { spec } = attributes.object as CertificateSigningRequest
    if (spec.signerName !== CLIENT_SIGNER) return
    let groups: string[]
    try {
      groups = organizationsIn(Buffer.from(spec.request, 'base64').toString())
    } catch (error) {
      throw refuse(attributes, `failed to parse CSR: ${(error as Error).message}`)
    }
    if (!groups.includes('system:masters')) return
    throw refuse(attributes, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`)
  },
}

/** A right to one signer, or to all of its domain: `kubernetes.io/*`. */
function mayAct(authorizer: ClusterAuthorizer, user: UserInfo, verb: string, signer: string): boolean {
  return [signer, `${signer.split('/')[0]}/*`].some(
    (name) =>
      authorizer.authorize({
        user,
        verb,
        resource: 'signers',
        apiGroup: 'certificates.k8s.io',
        apiVersion: '*',
        subresource: '',
        namespace: '',
        name,
        path: '',
        isResourceRequest: true,
      }).allowed,
  )
}
