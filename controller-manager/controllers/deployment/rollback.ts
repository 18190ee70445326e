/** The deprecated rollback annotation: `kubectl rollout undo` copies templates itself, older clients ask for it here. */
import type { Deployment, ReplicaSet } from '../../../api/generated/types.ts'
import type { Action } from '../../../client/controller.ts'
import { allOf, type Plan } from './plan.ts'
import {
  annotationsForRollback,
  lastRevision,
  revisionOf,
  rollbackAnnotation,
  sameTemplate,
  toRevision,
  withoutHash,
} from './replica-sets.ts'

/** The revision asked for; 0 means the one before. Undefined when none is, or it is not a number. */
export function rollbackTarget({ metadata }: Deployment): bigint | undefined {
  return toRevision(metadata.annotations?.[rollbackAnnotation])
}

export function planRollback(plan: Plan, asked: bigint): Action[] {
  const { d } = plan
  const all = allOf(plan)
  const revision = asked || lastRevision(all)
  if (revision === 0n) return [warning(d, 'DeploymentRollbackRevisionNotFound', 'Unable to find last revision.'), clear(d)]
  const rs = all.find((candidate) => revisionOf(candidate) === revision)
  if (!rs) {
    return [warning(d, 'DeploymentRollbackRevisionNotFound', 'Unable to find the revision to rollback to.'), clear(d)]
  }
  if (sameTemplate(d.spec.template, rs.spec.template)) {
    const message = `The rollback revision contains the same template as current deployment "${d.metadata.name}"`
    return [warning(d, 'DeploymentRollbackTemplateUnchanged', message), clear(d)]
  }
  return [
    clear(d, rs),
    {
      do: 'event',
      about: d,
      type: 'Normal',
      reason: 'DeploymentRollback',
      message: `Rolled back deployment "${d.metadata.name}" to revision ${revision}`,
    },
  ]
}

/** Takes the request off the deployment, and the template and annotations of `rs` with it when one is given. */
function clear(d: Deployment, rs?: ReplicaSet): Action {
  const { [rollbackAnnotation]: _, ...annotations } = rs ? annotationsForRollback(d, rs) : { ...d.metadata.annotations }
  const template = withoutHash(rs?.spec.template) ?? d.spec.template
  const object: Deployment = { ...d, metadata: { ...d.metadata, annotations }, spec: { ...d.spec, template } }
  return { do: 'update', kind: 'Deployment', object }
}

const warning = (about: Deployment, reason: string, message: string): Action => ({
  do: 'event',
  about,
  type: 'Warning',
  reason,
  message,
})
