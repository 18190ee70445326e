/** Which policies there are, compiled, each with its bindings: from the store's watch, so that a write asks nobody. */
import type { MatchResources, ObjectMeta, ParamRef, ValidatingAdmissionPolicy } from '../../api/generated/types.ts'
import type { Logger } from '../../component/logger.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import type { Store, Subscription } from '../storage/store.ts'
import {
  compileExpression,
  compileVariables,
  type CompiledExpression,
  type CompiledVariable,
  type Offered,
} from './expressions.ts'
import { compileMatch, mayBeAbout, type CompiledMatch } from './match-policy.ts'

export interface PolicyObject {
  metadata: ObjectMeta
  spec: Pick<
    ValidatingAdmissionPolicy['spec'],
    'failurePolicy' | 'matchConditions' | 'matchConstraints' | 'paramKind' | 'variables'
  >
}

export interface BindingObject {
  metadata: ObjectMeta
  spec: { policyName?: string | undefined; paramRef?: ParamRef | undefined; matchResources?: MatchResources | undefined }
}

export interface CompiledBinding<B extends BindingObject> {
  binding: B
  match: CompiledMatch | undefined
}

/** `rules` is what the policy does, compiled by the one who knows its sort. */
export interface CompiledPolicy<P extends PolicyObject, B extends BindingObject, R> {
  policy: P
  match: CompiledMatch
  conditions: readonly CompiledExpression[]
  variables: readonly CompiledVariable[]
  bindings: readonly CompiledBinding<B>[]
  rules: R
}

export interface PolicyIndex<P extends PolicyObject, B extends BindingObject, R> {
  /** Those with a binding whose rules name the operation and the resource. The list is shared. */
  candidates(operation: string, resource: string, subresource: string): readonly CompiledPolicy<P, B, R>[]
  start(): void
  close(): void
}

export function createPolicyIndex<P extends PolicyObject, B extends BindingObject, R>(
  store: Store,
  sort: 'Validating' | 'Mutating',
  compileRules: (policy: P, offered: Offered) => R,
  logger: Logger,
): PolicyIndex<P, B, R> {
  const prefixes = [prefixOfKind(`${sort}AdmissionPolicy`), prefixOfKind(`${sort}AdmissionPolicyBinding`)] as const
  let policies: readonly CompiledPolicy<P, B, R>[] | undefined
  const byResource = new Map<string, readonly CompiledPolicy<P, B, R>[]>()
  const subscriptions = new Map<string, Subscription>()
  let closed = false

  const forget = () => {
    policies = undefined
    byResource.clear()
  }
  const objects = <T>(prefix: string): T[] => store.list(prefix).map((entry) => entry.object() as unknown as T)
  const compileAll = () => {
    const bindings = objects<B>(prefixes[1])
    return objects<P>(prefixes[0])
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((policy) => compilePolicy(policy, bindings, compileRules))
      .filter((one) => one.bindings.length > 0)
  }
  const follow = (prefix: string) => {
    forget()
    const onEnd = (reason: { code: number; message: string }) => {
      if (closed || reason.code === 503) return
      logger.warn('reading admission policies again', { prefix, reason: reason.message })
      follow(prefix)
    }
    subscriptions.set(prefix, store.watch(prefix, store.revision(), { onEvent: forget, onEnd }))
  }
  return {
    candidates(operation, resource, subresource) {
      policies ??= compileAll()
      if (policies.length === 0) return policies
      const key = `${operation} ${resource} ${subresource}`
      let found = byResource.get(key)
      if (!found) {
        found = policies.filter(({ match }) => mayBeAbout(match, operation, resource, subresource))
        byResource.set(key, found)
      }
      return found
    },
    start: () => prefixes.forEach(follow),
    close() {
      closed = true
      for (const subscription of subscriptions.values()) subscription.close()
    },
  }
}

function compilePolicy<P extends PolicyObject, B extends BindingObject, R>(
  policy: P,
  bindings: readonly B[],
  compileRules: (policy: P, offered: Offered) => R,
): CompiledPolicy<P, B, R> {
  const { matchConstraints = {}, matchConditions = [], paramKind, variables = [] } = policy.spec
  const hasParams = paramKind !== undefined
  const offered = { hasParams, variables: variables.map(({ name }) => name) }
  return {
    policy,
    match: compileMatch(matchConstraints),
    conditions: matchConditions.map(({ expression }) => compileExpression(expression, 'condition', { hasParams, variables: [] })),
    variables: compileVariables(variables, hasParams),
    bindings: bindings
      .filter(({ spec }) => spec.policyName === policy.metadata.name)
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((binding) => ({ binding, match: binding.spec.matchResources && compileMatch(binding.spec.matchResources) })),
    rules: compileRules(policy, offered),
  }
}
