/** ComponentStatus: how the parts of the control plane do at the moment of asking. Nothing is stored. Deprecated, and still asked for. */
import type { ComponentCondition, ComponentStatus } from '../../api/generated/types.ts'
import { NAME, text } from './columns.ts'
import type { ResourceBehaviour } from './resource.ts'

const healthy = ({ conditions }: ComponentStatus): ComponentCondition | undefined =>
  conditions?.find(({ type }) => type === 'Healthy')

const statusOf = (component: ComponentStatus): string => {
  const condition = healthy(component)
  return condition ? (condition.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown'
}

export const componentStatus: ResourceBehaviour<ComponentStatus> = {
  columns: [
    NAME,
    text('Status', 'Status of the component conditions', statusOf),
    text('Message', 'Message of the component conditions', (component) => healthy(component)?.message ?? ''),
    text('Error', 'Error of the component conditions', (component) => healthy(component)?.error ?? ''),
  ],
  verbs: ['get', 'list'],
  deprecations: { v1: 'v1 ComponentStatus is deprecated in v1.19+' },
}
