/** A flow schema at work: the flows that it tells apart, each with its queues. */
import type { FlowSchema } from '../../api/generated/types.ts'
import type { UserInfo } from '../auth/user.ts'
import type { RequestInfo } from '../requests/request-info.ts'
import type { FlowCounts } from './flow-metrics.ts'
import type { Flow, Level, Queuing } from './seat-pool.ts'
import { dealHand, hashFlow } from './shuffle-shard.ts'

/** Flows of a schema that are kept at hand; beyond that, those without a request at work are dropped. */
const FLOWS_KEPT = 5000

export class ActiveSchema {
  readonly name: string
  /** What answers say of it. */
  headers: Readonly<Record<string, string>> = {}
  level!: Level
  counts!: FlowCounts
  private method: string | undefined
  private readonly flows = new Map<string, ActiveFlow>()

  constructor(name: string) {
    this.name = name
  }

  configure({ metadata, spec }: FlowSchema, level: Level, counts: FlowCounts): void {
    this.headers = {
      'X-Kubernetes-PF-FlowSchema-UID': metadata.uid ?? '',
      'X-Kubernetes-PF-PriorityLevel-UID': level.uid,
    }
    this.level = level
    this.counts = counts
    this.method = spec.distinguisherMethod?.type
  }

  flowOf({ namespace }: RequestInfo, { username }: UserInfo): ActiveFlow {
    const distinguisher = this.method === 'ByUser' ? username : this.method === 'ByNamespace' ? namespace : ''
    let flow = this.flows.get(distinguisher)
    if (!flow) {
      if (this.flows.size >= FLOWS_KEPT) this.dropIdle()
      flow = new ActiveFlow(this, distinguisher, this.method !== undefined)
      this.flows.set(distinguisher, flow)
    }
    return flow
  }

  private dropIdle(): void {
    for (const [distinguisher, { seatsInUse }] of this.flows) if (seatsInUse === 0) this.flows.delete(distinguisher)
  }
}

export class ActiveFlow implements Flow {
  readonly schema: ActiveSchema
  readonly distinguisher: string
  readonly apart: boolean
  seatsInUse = 0
  private hand: readonly number[] = []
  /** What the hand was dealt from. */
  private deck = 0

  constructor(schema: ActiveSchema, distinguisher: string, apart: boolean) {
    this.schema = schema
    this.distinguisher = distinguisher
    this.apart = apart
  }

  handOf({ queues, handSize }: Queuing): readonly number[] {
    if (this.deck !== queues || this.hand.length !== handSize) {
      this.hand = dealHand(hashFlow(this.schema.name, this.distinguisher), queues, handSize)
      this.deck = queues
    }
    return this.hand
  }
}
