/** Keeps flow control as its objects say, from the store, and says in each schema's status whether its level is there. */
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Logger } from '../../component/logger.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { Store } from '../storage/store.ts'
import { toSeconds } from '../writes/write-steps.ts'
import { withDangling } from './dangling.ts'
import type { FlowControl } from './flow-control.ts'
import { followObjects, type Following } from './follow-objects.ts'
import { WriteBudget } from './write-budget.ts'

const SCHEMAS = prefixOfKind('FlowSchema')
const LEVELS = prefixOfKind('PriorityLevelConfiguration')

export interface ConfigurationOptions {
  store: Store
  flowControl: FlowControl
  logger: Logger
  now: () => Date
}

/** The configuration holds when this returns; the statuses follow. */
export function followConfiguration({ store, flowControl, logger, now }: ConfigurationOptions): Following {
  const budget = new WriteBudget(() => performance.now())

  const writeStatus = async (name: string, isFound: (schema: FlowSchema) => boolean): Promise<number> => {
    const entry = store.get(SCHEMAS + name)
    if (!entry) return 0
    const schema = entry.object() as unknown as FlowSchema
    const wanted = withDangling(schema, isFound(schema), toSeconds(now()))
    if (!wanted) return 0
    const waitMs = budget.take(name)
    // Who was faster has made an event, and that brings it here again.
    if (waitMs === 0) await store.update(entry.key, wanted as unknown as KubeObject, entry.revision)
    return waitMs
  }

  return followObjects({
    store,
    prefixes: [LEVELS, SCHEMAS],
    logger,
    what: 'flow control',
    async sync() {
      const levels = store.list(LEVELS).map((entry) => entry.object() as unknown as PriorityLevelConfiguration)
      const schemas = store.list(SCHEMAS).map((entry) => entry.object() as unknown as FlowSchema)
      const { isFound } = flowControl.configure(levels, schemas)
      const waits = await Promise.all(schemas.map(({ metadata }) => writeStatus(metadata.name, isFound)))
      return Math.max(0, ...waits)
    },
  })
}
