/** POST to pods/NAME/eviction: a deletion that the pod's disruption budget may refuse. */
import type { Eviction, Pod, PodDisruptionBudget } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import { type ApiError, badRequest, conflict, forbidden, internalError, tooManyRequests } from '../../api/status.ts'
import type { KubeObject } from '../../api/object.ts'
import { admissionAttributes, createAdmission } from '../admission/admission-chain.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import { deleteObject } from '../writes/delete-object.ts'
import { toDeleteOptions } from '../writes/delete-options.ts'
import { readBodyObject } from '../bodies/read-body-object.ts'
import { sendKind, successStatus } from '../answers/respond.ts'
import { keyFor } from '../served-resources.ts'
import { readWriteOptions } from '../writes/write-options.ts'
import { toSeconds } from '../writes/write-steps.ts'
import { existing } from './get.ts'

const VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."

/** As upstream: more disruptions in flight than this means that the disruption controller is not keeping up. */
const MAX_DISRUPTED = 2000

const ATTEMPTS = 20

/** What clients before v1.22 send, the same but for its name. */
const OLDER = ['policy/v1beta1']

export async function evict(context: ApiContext, request: ResourceRequest): Promise<void> {
  const { info } = request
  const { cause, dryRun } = readWriteOptions(request, 'CreateOptions')
  const eviction = await readBodyObject<Eviction>(request, 'policy', 'v1', 'Eviction', 'Eviction', OLDER)
  if (eviction.metadata?.name && eviction.metadata.name !== info.name)
    throw badRequest(`name in URL does not match name in Eviction object: ${info.name} != ${eviction.metadata.name}`)
  const given = toDeleteOptions({ ...eviction.deleteOptions })
  const options = { ...given, dryRun: given.dryRun || dryRun, cause }

  await context.store.current()
  const pod = existing(context, request).object() as Pod
  const attributes = admissionAttributes(request, 'CREATE', options.dryRun, eviction as KubeObject, undefined)
  const admission = createAdmission(context, { ...attributes, kind: 'Eviction', name: info.name })
  await admission.admit()
  await admission.validate()
  if (!ignoresBudgets(pod)) await takeDisruption(context, pod, options.dryRun)
  await deleteObject(context, request, options, info.namespace, info.name)
  await sendKind(request, 201, successStatus(undefined, 201))
}

/** Such a pod serves nobody. */
const ignoresBudgets = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '')

const isReady = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

/** Counts the eviction against the pod's budget, or refuses it with 429. */
async function takeDisruption(context: ApiContext, pod: Pod, dryRun: boolean): Promise<void> {
  const { namespace = '', name, labels } = pod.metadata
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const budgets = context.admission.reader
      .list('PodDisruptionBudget', namespace)
      .filter(({ spec }) => spec?.selector && toSelector(spec.selector).matches(labels))
    if (budgets.length > 1)
      throw internalError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.')
    const [budget] = budgets
    if (!budget || mayGoUnhealthy(budget, pod)) return
    const next = decrement(budget, name, toSeconds(context.now()))
    if (dryRun) return
    const key = keyFor(prefixOfKind('PodDisruptionBudget'), namespace, budget.metadata.name)
    const result = await context.store.update(key, next, Number(budget.metadata.resourceVersion))
    if (result.ok) return
    await context.store.current()
  }
  throw conflict('policy', 'poddisruptionbudgets', name)
}

/** A pod that is not ready does not count: whether it may go is the budget's policy. */
function mayGoUnhealthy({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (isReady(pod)) return false
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0
}

function decrement(budget: PodDisruptionBudget, pod: string, time: string): PodDisruptionBudget {
  const { metadata, status } = budget
  const refuse = (message: string, retryAfterSeconds = 0): ApiError =>
    tooManyRequests(VIOLATES, retryAfterSeconds, [{ reason: 'DisruptionBudget', message }])
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0))
    throw refuse(`The disruption budget ${metadata.name} is still being processed by the server.`, 10)
  const allowed = status?.disruptionsAllowed ?? 0
  if (allowed < 0) throw forbidden('policy', 'poddisruptionbudget', metadata.name, 'pdb disruptions allowed is negative')
  if (Object.keys(status?.disruptedPods ?? {}).length > MAX_DISRUPTED)
    throw forbidden(
      'policy',
      'poddisruptionbudget',
      metadata.name,
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    )
  if (allowed === 0)
    throw refuse(
      `The disruption budget ${metadata.name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`,
    )
  return {
    ...budget,
    status: { ...status!, disruptionsAllowed: allowed - 1, disruptedPods: { ...status?.disruptedPods, [pod]: time } },
  }
}
