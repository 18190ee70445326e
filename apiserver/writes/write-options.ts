/** The parameters that all writes share: dry run, field manager, cause. */
import { invalid as invalidField, notSupported, tooLong, type FieldError } from '../../api/field-error.ts'
import { invalid } from '../../api/status.ts'
import type { ResourceRequest } from '../api-context.ts'

export interface WriteOptions {
  dryRun: boolean
  /** Who owns the fields that this write sets. */
  fieldManager: string
  cause: string | undefined
}

export function readWriteOptions({ info, raw }: ResourceRequest, kind: string): WriteOptions {
  const { query } = info
  const dryRuns = query.getAll('dryRun')
  const manager = query.get('fieldManager') ?? ''
  const errors: FieldError[] = []
  if (dryRuns.some((value) => value !== 'All')) errors.push(notSupported('dryRun', dryRuns, ['All']))
  if (manager.length > 128) errors.push(tooLong('fieldManager', 128))
  if (/[^\x20-\x7e]/.test(manager)) errors.push(invalidField('fieldManager', manager, 'should only contain printable characters'))
  if (errors.length > 0) throw invalid('meta.k8s.io', kind, '', errors)
  const cause = raw.headers['kubelab-cause']
  return {
    dryRun: dryRuns.length > 0,
    fieldManager: manager || managerOf(raw.headers['user-agent'] ?? ''),
    cause: typeof cause === 'string' ? cause.slice(0, 512) : undefined,
  }
}

/** The program's name out of `kubectl/v1.32 (linux/amd64) …`, as upstream takes it. */
const managerOf = (agent: string) => agent.split('/', 1)[0]!.slice(0, 128) || 'unknown'
