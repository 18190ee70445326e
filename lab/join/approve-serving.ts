/**
 * Approves what nobody else can judge: the serving certificates of kubelets. Upstream leaves them to people, or to a cloud that
 * knows its machines; here it is the lab that knows which node has which address.
 */
import { isIP } from 'node:net'
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { createInformer } from '../../client/informer.ts'
import { sourceOf } from '../../client/shared-informers.ts'
import { systemClock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { type LabDefinition, nodeAddress } from '../definition.ts'

const SIGNER = 'kubernetes.io/kubelet-serving'

/** Until the signal aborts. */
export async function approveServing(lab: LabDefinition, client: ApiClient, logger: Logger, signal: AbortSignal): Promise<void> {
  const informer = createInformer<CertificateSigningRequest>(sourceOf(client, 'CertificateSigningRequest'), {
    name: 'serving-certificates',
    clock: systemClock,
    logger,
  })
  const judge = (csr: CertificateSigningRequest) =>
    void approve(lab, client, logger, csr).catch((error: unknown) =>
      logger.error('cannot judge a certificate request', { csr: csr.metadata.name, error }),
    )
  informer.addHandlers({ added: judge })
  await informer.run(signal)
}

async function approve(lab: LabDefinition, client: ApiClient, logger: Logger, csr: CertificateSigningRequest): Promise<void> {
  const { metadata, spec, status } = csr
  if (spec.signerName !== SIGNER || status?.conditions?.length) return
  const complaint = complaintOf(lab, csr, await namesOf(spec.request))
  if (complaint !== null) return logger.warn('a certificate request is left to people', { csr: metadata.name, complaint })
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = {
    type: 'Approved',
    status: 'True',
    reason: 'KubelabApproved',
    message: 'The lab knows the node, its name and its address.',
    lastUpdateTime: now,
    lastTransitionTime: now,
  }
  await client.update('CertificateSigningRequest', { ...csr, status: { conditions: [condition] } }, { subresource: 'approval' })
}

/** Pure: why it is not plainly what it says, or null. Who asks was told by the API server; the signer compares the subject with it. */
export function complaintOf(lab: LabDefinition, { spec }: CertificateSigningRequest, names: readonly string[]): string | null {
  const [, node = ''] = /^system:node:(.+)$/.exec(spec.username ?? '') ?? []
  if (!lab.nodes.includes(node) || !spec.groups?.includes('system:nodes')) return `${spec.username} is no node of the lab`
  const own = [node, nodeAddress(lab, node)]
  const foreign = names.filter((name) => !own.includes(name))
  return foreign.length > 0 ? `${foreign.join(', ')} is not ${node}` : null
}

/** Every alternative name, as it would be in the certificate; what is neither a host nor an address keeps its kind with it. */
async function namesOf(request: string): Promise<string[]> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const csr = new x509.Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString())
  const found = csr.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension)
  const items = (found as InstanceType<typeof x509.SubjectAlternativeNameExtension> | undefined)?.names.items ?? []
  return items.map(({ type, value }) => ((type === 'ip' && isIP(value)) || type === 'dns' ? value : `${type}:${value}`))
}
