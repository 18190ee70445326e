/** What a DELETE asks for, from its body or, as older clients have it, from its parameters. */
import { invalid as invalidField, notSupported, type FieldError } from '../../api/field-error.ts'
import { badRequest, invalid } from '../../api/status.ts'
import type { ResourceRequest } from '../api-context.ts'
import { isRecord } from '../bodies/decode-object.ts'
import { bodyFormat, parseBody, readBody } from '../bodies/read-body.ts'

export type PropagationPolicy = 'Orphan' | 'Background' | 'Foreground'

export interface DeleteOptions {
  gracePeriodSeconds: number | undefined
  propagationPolicy: PropagationPolicy | undefined
  preconditions: { uid?: string | undefined; resourceVersion?: string | undefined }
  dryRun: boolean
}

const POLICIES: readonly string[] = ['Foreground', 'Background', 'Orphan']

export async function readDeleteOptions({ raw, info }: ResourceRequest): Promise<DeleteOptions> {
  const body = await readBody(raw)
  if (body.length === 0) return toDeleteOptions(fromQuery(info.query))
  const value = await parseBody(body, bodyFormat(raw.headers['content-type']), "couldn't get version/kind; json parse error")
  if (!isRecord(value)) throw badRequest('the body of a deletion must be DeleteOptions')
  if (value.kind !== undefined && value.kind !== 'DeleteOptions')
    throw badRequest(`decoded object cannot be converted to DeleteOptions: it is a ${String(value.kind)}`)
  // Some parameters come beside the body all the same: kubectl sends dryRun in both places.
  return toDeleteOptions({ ...fromQuery(info.query), ...value })
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const grace = query.get('gracePeriodSeconds')
  const orphan = query.get('orphanDependents')
  return {
    ...(grace && { gracePeriodSeconds: Number(grace) }),
    ...(query.get('propagationPolicy') && { propagationPolicy: query.get('propagationPolicy') }),
    ...(orphan && { orphanDependents: orphan !== 'false' && orphan !== '0' }),
    ...(query.has('dryRun') && { dryRun: query.getAll('dryRun') }),
  }
}

export function toDeleteOptions(value: Record<string, unknown>): DeleteOptions {
  const { gracePeriodSeconds: grace, propagationPolicy: policy, orphanDependents: orphan, dryRun, preconditions } = value
  const errors: FieldError[] = []
  if (grace !== undefined && grace !== null && !Number.isInteger(grace))
    throw badRequest('gracePeriodSeconds must be a whole number')
  if (typeof grace === 'number' && grace < 0 && grace !== -1)
    errors.push(invalidField('gracePeriodSeconds', grace, 'must be greater than or equal to 0'))
  if (policy && orphan !== undefined && orphan !== null)
    errors.push(invalidField('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'))
  else if (policy && !POLICIES.includes(String(policy)))
    errors.push(notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  const dryRuns = Array.isArray(dryRun) ? dryRun : dryRun ? [dryRun] : []
  if (dryRuns.some((one) => one !== 'All')) errors.push(notSupported('dryRun', dryRuns, ['All']))
  if (errors.length > 0) throw invalid('meta.k8s.io', 'DeleteOptions', '', errors)
  const legacy = orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined
  return {
    // Upstream takes a negative grace for 1 second, since nobody can mean it.
    gracePeriodSeconds: typeof grace === 'number' ? (grace < 0 ? 1 : grace) : undefined,
    propagationPolicy: (policy as PropagationPolicy | undefined) || legacy,
    preconditions: readPreconditions(preconditions),
    dryRun: dryRuns.length > 0,
  }
}

function readPreconditions(value: unknown): DeleteOptions['preconditions'] {
  if (value === undefined || value === null) return {}
  if (!isRecord(value)) throw badRequest('preconditions must be an object')
  const { uid, resourceVersion } = value
  return {
    ...(typeof uid === 'string' && { uid }),
    ...(typeof resourceVersion === 'string' && { resourceVersion }),
  }
}
