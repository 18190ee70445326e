/** Certificate signing requests: kubelets are approved by rule, approved requests are signed, old ones cleaned up. */
import { messageOf } from '../../api/error-message.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../api/generated/types.ts'
import { formatTime } from '../../api/time.ts'
import { causeOf } from '../../client/cause.ts'
import type { Action, Controller } from '../../client/controller.ts'
import type { ControllerContext } from '../../client/run-controller.ts'
import { createWorkQueue } from '../../client/work-queue.ts'
import { findCondition, isConditionTrue } from '../conditions.ts'
import { runKeyed } from '../run-keyed.ts'
import { remove } from '../status-patch.ts'
import { kubeletClientSigner, SIGNERS } from './certificates/signers.ts'
import { readRequest, signRequest, type Authority } from './certificates/x509.ts'

const condition = (type: string, reason: string, message: string, now: Date): CertificateSigningRequestCondition => ({
  type,
  status: 'True',
  reason,
  message,
  lastUpdateTime: formatTime(now),
  lastTransitionTime: formatTime(now),
})

const isApproved = ({ status }: CertificateSigningRequest): boolean => isConditionTrue(status?.conditions, 'Approved')
const isDecided = ({ status }: CertificateSigningRequest): boolean =>
  isConditionTrue(status?.conditions, 'Approved') || isConditionTrue(status?.conditions, 'Denied')
const hasFailed = ({ status }: CertificateSigningRequest): boolean => isConditionTrue(status?.conditions, 'Failed')

type Sync = (csr: CertificateSigningRequest, context: ControllerContext, cause: string) => Promise<void>

async function runForRequests(name: string, sync: Sync, context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { clock, metrics, informers, workers = 5 } = context
  const queue = createWorkQueue({ name, clock, metrics })
  const informer = informers.informer('CertificateSigningRequest')
  informer.addHandlers({ added: ({ metadata }) => queue.add(metadata.name), updated: ({ metadata }) => queue.add(metadata.name) })
  await informer.whenSynced()
  await runKeyed({
    queue,
    workers,
    signal,
    logger: context.logger.with({ controller: name }),
    async sync(key) {
      const csr = informer.store.get(key)
      if (csr && !csr.metadata.deletionTimestamp) await sync(csr, context, causeOf('CertificateSigningRequest', csr))
      return 0
    },
  })
}

export const runCertificateSigning = (
  context: ControllerContext,
  authority: Authority,
  longestMs: number,
  signal: AbortSignal,
): Promise<void> =>
  runForRequests(
    'certificatesigningrequest-signing-controller',
    (csr, each, cause) => sign(csr, authority, longestMs, each, cause),
    context,
    signal,
  )

const sign = async (
  csr: CertificateSigningRequest,
  authority: Authority,
  longestMs: number,
  { client, clock }: ControllerContext,
  cause: string,
) => {
  const accepts = SIGNERS[csr.spec.signerName]
  if (!accepts || !isApproved(csr) || csr.status?.certificate || hasFailed(csr)) return
  const now = clock.now()
  const write = (status: CertificateSigningRequest['status']) =>
    client.update('CertificateSigningRequest', { ...csr, status: { ...csr.status, ...status } }, { subresource: 'status', cause })
  const problem = await readRequest(csr.spec.request).then(
    (request) => accepts(request, csr),
    (error: unknown) => `unable to parse csr: ${messageOf(error)}`,
  )
  if (problem !== null) {
    await write({ conditions: [...(csr.status?.conditions ?? []), condition('Failed', 'SignerValidationFailure', problem, now)] })
    return
  }
  const wantedMs = (csr.spec.expirationSeconds ?? Infinity) * 1000
  // Shorter than ten minutes, clocks that are a little off would refuse it.
  const lifetimeMs = Math.max(10 * 60_000, Math.min(longestMs, wantedMs))
  await write({ certificate: await signRequest(csr.spec.request, csr.spec.usages ?? [], lifetimeMs, authority, now) })
}

export const runCertificateApproving = (context: ControllerContext, signal: AbortSignal): Promise<void> =>
  runForRequests('certificatesigningrequest-approving-controller', approve, context, signal)

/** A node may renew its own certificate, and a bootstrap token may get the first, when their rights say so. */
const approve: Sync = async (csr, { client, clock }, cause) => {
  if (csr.spec.signerName !== kubeletClientSigner || isDecided(csr) || csr.status?.certificate) return
  const request = await readRequest(csr.spec.request).catch(() => null)
  if (!request || SIGNERS[kubeletClientSigner]?.(request, csr) !== null) return
  const own = csr.spec.username === request.commonName
  const rights = own
    ? [['selfnodeclient', 'Auto approving self kubelet client certificate after SubjectAccessReview.']]
    : [['nodeclient', 'Auto approving kubelet client certificate after SubjectAccessReview.']]
  for (const [subresource, message] of rights as [string, string][]) {
    const review = await client.raw<{ status?: { allowed?: boolean } }>(
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      {
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: csr.spec.username,
            uid: csr.spec.uid,
            groups: csr.spec.groups,
            extra: csr.spec.extra,
            resourceAttributes: {
              group: 'certificates.k8s.io',
              resource: 'certificatesigningrequests',
              verb: 'create',
              subresource,
              version: '*',
            },
          },
        },
      },
    )
    if (!review.status?.allowed) continue
    const conditions = [...(csr.status?.conditions ?? []), condition('Approved', 'AutoApproved', message, clock.now())]
    await client.update(
      'CertificateSigningRequest',
      { ...csr, status: { ...csr.status, conditions } },
      { subresource: 'approval', cause },
    )
    return
  }
}

const hourMs = 3_600_000

export const certificateCleaner: Controller<'CertificateSigningRequest', null> = {
  name: 'certificatesigningrequest-cleaner-controller',
  for: 'CertificateSigningRequest',
  observe: () => null,
  reconcile: (csr, _, now) => clean(csr, now),
}

/** Issued and refused ones an hour after that, those that nobody has decided on after a day. */
export function clean(csr: CertificateSigningRequest, now: Date): Action[] {
  const decided = ['Approved', 'Denied', 'Failed'].flatMap(
    (type) => findCondition(csr.status?.conditions, type)?.lastUpdateTime ?? [],
  )
  const since = decided.length > 0 ? Math.max(...decided.map(Date.parse)) : Date.parse(csr.metadata.creationTimestamp ?? '')
  const unsigned = isApproved(csr) && !csr.status?.certificate && !hasFailed(csr)
  const waitMs = since + (decided.length > 0 && !unsigned ? hourMs : 24 * hourMs) - now.getTime()
  return waitMs > 0 ? [{ do: 'requeue', afterMs: waitMs }] : [remove(csr)]
}
