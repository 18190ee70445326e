/** ServiceAccount. */
import type { ServiceAccount } from '../../api/generated/types.ts'
import { AGE, integer, NAME } from './columns.ts'
import type { ResourceBehaviour } from './resource.ts'

export const serviceAccount: ResourceBehaviour<ServiceAccount> = {
  columns: [
    NAME,
    integer('Secrets', 'The number of secrets that pods running as this account may use.', ({ secrets }) => secrets?.length),
    AGE,
  ],
}
