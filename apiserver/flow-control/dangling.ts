/** The one condition of a flow schema: whether the priority level that it sends requests to is there. */
import type { FlowSchema, FlowSchemaCondition } from '../../api/generated/types.ts'

/** The schema with the condition as it should be; undefined when it is so already. Pure. */
export function withDangling(schema: FlowSchema, found: boolean, now: string): FlowSchema | undefined {
  const conditions = schema.status?.conditions ?? []
  const wanted = danglingCondition(schema.spec.priorityLevelConfiguration.name, found)
  const { status, reason, message } = conditions.find(({ type }) => type === wanted.type) ?? {}
  if (status === wanted.status && reason === wanted.reason && message === wanted.message) return undefined
  const others = conditions.filter(({ type }) => type !== wanted.type)
  return { ...schema, status: { ...schema.status, conditions: [...others, { ...wanted, lastTransitionTime: now }] } }
}

function danglingCondition(level: string, found: boolean): FlowSchemaCondition {
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  return found
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${about} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${about} but there is no such object` }
}
