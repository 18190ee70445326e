/** Which policies a write is to be judged by, and with which parameters: one invocation for each binding and parameter. */
import type { CelMap } from '../../api/cel/values.ts'
import type { KubeObject } from '../../api/object.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'
import type { ServedResources } from '../served-resources.ts'
import type { Store } from '../storage/store.ts'
import type { Told } from '../webhooks/admission-review.ts'
import type { ResourceVersion } from '../webhooks/match-webhook.ts'
import { describeRequest, equivalentsOf, tell, type Requested } from '../webhooks/told.ts'
import { toVariables } from './evaluation.ts'
import { ConfigurationError, findParams } from './find-params.ts'
import { matchPolicy } from './match-policy.ts'
import type { BindingObject, CompiledPolicy, PolicyObject } from './policy-index.ts'

export interface Invocation<P extends PolicyObject, B extends BindingObject, R> {
  compiled: CompiledPolicy<P, B, R>
  binding: B
  as: ResourceVersion
  params: KubeObject | undefined
}

/** A policy that cannot be asked. `binding` is undefined when no binding of it could. */
export interface Misconfiguration<P extends PolicyObject, B extends BindingObject> {
  policy: P
  binding: B | undefined
  message: string
}

/** Policies have no say about policies, nor webhooks': one that refuses everything could never be taken away. */
export const isJudged = ({ group, operation, subresource }: AdmissionAttributes): boolean =>
  group !== 'admissionregistration.k8s.io' && !(operation === 'DELETE' && subresource === 'eviction')

/** A write, in each of the versions that policies ask for; made when the first asks. */
export interface Judged {
  request: Requested
  told(as: ResourceVersion): Promise<Told>
  variables(as: ResourceVersion): Promise<CelMap>
  /** The object has been changed. */
  forget(): void
}

export function createJudged(resources: ServedResources, attributes: AdmissionAttributes, context: AdmissionContext): Judged {
  const request = describeRequest(resources, attributes)
  const known = new Map<string, Promise<{ told: Told; variables: CelMap }>>()
  const look = (as: ResourceVersion) => {
    const key = `${as.group}/${as.version}`
    let found = known.get(key)
    if (!found) {
      found = tell(resources, request, as).then((told) => ({ told, variables: toVariables(attributes, told, context) }))
      known.set(key, found)
    }
    return found
  }
  return {
    request,
    told: async (as) => (await look(as)).told,
    variables: async (as) => (await look(as)).variables,
    forget: () => known.clear(),
  }
}

export async function findInvocations<P extends PolicyObject, B extends BindingObject, R>(
  { store, resources, context }: { store: Store; resources: ServedResources; context: AdmissionContext },
  policies: readonly CompiledPolicy<P, B, R>[],
  { request: { resource, attributes } }: Judged,
): Promise<{ invocations: Invocation<P, B, R>[]; broken: Misconfiguration<P, B>[] }> {
  const invocations: Invocation<P, B, R>[] = []
  const broken: Misconfiguration<P, B>[] = []
  const equivalents = () => equivalentsOf(resources, resource)
  for (const compiled of policies) {
    const as = await matchPolicy(compiled.match, resource, attributes, equivalents, context)
    if (!as) continue
    for (const { binding, match } of compiled.bindings) {
      if (match && !(await matchPolicy(match, resource, attributes, equivalents, context))) continue
      try {
        const all = await findParams(store, resources, compiled.policy.spec.paramKind, binding, attributes.namespace)
        invocations.push(...all.map((params) => ({ compiled, binding, as, params })))
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error
        broken.push({ policy: compiled.policy, binding: error.of === 'policy' ? undefined : binding, message: error.message })
        if (error.of === 'policy') break
      }
    }
  }
  return { invocations, broken }
}
