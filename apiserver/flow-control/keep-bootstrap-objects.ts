/** Keeps the default objects of flow control: made at the start, and put right whenever somebody changes or deletes one. */
import type { KindName } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import { ensureObject } from '../ensure-object.ts'
import { keyFor } from '../served-resources.ts'
import { MANDATORY_LEVELS, MANDATORY_SCHEMAS, SUGGESTED_LEVELS, SUGGESTED_SCHEMAS } from './bootstrap-objects.ts'
import { followObjects, type Following } from './follow-objects.ts'
import { planBootstrap, type BootstrapAction } from './plan-bootstrap.ts'
import { WriteBudget } from './write-budget.ts'

type Configuration = KubeObject & { spec: unknown }

/** Levels first, so that no schema says in between that its level is not there. */
const DEFAULTS: readonly [KindName, mandatory: readonly unknown[], suggested: readonly unknown[]][] = [
  ['PriorityLevelConfiguration', MANDATORY_LEVELS, SUGGESTED_LEVELS],
  ['FlowSchema', MANDATORY_SCHEMAS, SUGGESTED_SCHEMAS],
]

/** At the start: also takes away what only an older version had. */
export async function applyFlowDefaults(context: ApiContext): Promise<void> {
  for (const [kind, actions] of plans(context)) await Promise.all(actions.map((action) => apply(context, kind, action)))
}

/** From then on. Upstream looks once a minute; this hears of it. */
export function keepFlowDefaults(context: ApiContext): Following {
  const { store, logger } = context
  const budget = new WriteBudget(() => performance.now())
  return followObjects({
    store,
    prefixes: DEFAULTS.map(([kind]) => prefixOfKind(kind)),
    logger,
    what: 'the defaults of flow control',
    async sync() {
      let againInMs = 0
      for (const [kind, actions] of plans(context)) {
        const due = actions.filter(({ do: what, object }) => {
          if (what === 'delete') return false
          const waitMs = budget.take(`${kind} ${object.metadata.name}`)
          againInMs = Math.max(againInMs, waitMs)
          return waitMs === 0
        })
        await Promise.all(due.map((action) => apply(context, kind, action)))
      }
      return againInMs
    },
  })
}

function* plans({ store }: ApiContext): Generator<[KindName, BootstrapAction[]]> {
  for (const [kind, mandatory, suggested] of DEFAULTS) {
    const present = store.list(prefixOfKind(kind)).map((entry) => entry.object() as Configuration)
    yield [kind, planBootstrap(mandatory as Configuration[], suggested as Configuration[], present)]
  }
}

/** Who was faster has made an event, and that brings it here again. */
async function apply(context: ApiContext, kind: KindName, action: BootstrapAction): Promise<void> {
  const { object } = action
  const key = keyFor(prefixOfKind(kind), '', object.metadata.name)
  if (action.do === 'create') await ensureObject(context, kind, object)
  else if (action.do === 'update') await context.store.update(key, object, Number(object.metadata.resourceVersion))
  else await context.store.delete(key, Number(object.metadata.resourceVersion))
}
