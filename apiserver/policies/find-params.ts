/** The objects that a binding names as the parameters of its policy. */
import type { ParamKind } from '../../api/generated/types.ts'
import { toSelector } from '../../api/labels.ts'
import type { KubeObject } from '../../api/object.ts'
import { groupVersion, keyFor, type ServedResource, type ServedResources } from '../served-resources.ts'
import { readFromStorage } from '../storage-version.ts'
import type { Store } from '../storage/store.ts'
import type { BindingObject } from './policy-index.ts'

/** The policy or its binding is not in order: what `failurePolicy` is about. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly of: 'policy' | 'binding'
  constructor(of: 'policy' | 'binding', message: string) {
    super(`failed to configure ${of}: ${message}`)
    this.of = of
  }
}

function findKind(resources: ServedResources, { apiVersion = '', kind = '' }: ParamKind): ServedResource {
  for (const [group, definitions] of resources.groups())
    for (const { names } of definitions) {
      const version = names.versions.find((one) => groupVersion(group, one) === apiVersion)
      const found = names.kind === kind && version !== undefined && resources.find(group, version, names.plural)
      if (found) return found
    }
  throw new ConfigurationError('policy', `failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind}'`)
}

/** One evaluation each; `[undefined]` is one without parameters. */
export async function findParams(
  store: Store,
  resources: ServedResources,
  paramKind: ParamKind | undefined,
  { spec: { paramRef } }: BindingObject,
  requestNamespace: string,
): Promise<readonly (KubeObject | undefined)[]> {
  if (!paramKind) return [undefined]
  const resource = findKind(resources, paramKind)
  if (!paramRef) return [undefined]
  const namespace = namespaceOf(resource, paramRef.namespace, requestNamespace)
  const entries = paramRef.name
    ? [store.get(keyFor(resource.prefix, namespace, paramRef.name)) ?? []].flat()
    : store.list(resource.prefix, namespace ? { namespace } : {})
  const selector = paramRef.selector && toSelector(paramRef.selector)
  const objects = entries.map((entry) => entry.object()).filter(({ metadata }) => !selector || selector.matches(metadata.labels))
  if (objects.length === 0 && paramRef.parameterNotFoundAction === 'Deny')
    throw new ConfigurationError('binding', 'no params found for policy binding with `Deny` parameterNotFoundAction')
  return Promise.all(objects.map(async (object) => readFromStorage(resource, object)))
}

function namespaceOf({ definition: { names } }: ServedResource, given: string | undefined, ofRequest: string): string {
  if (!names.namespaced) {
    if (given) throw new ConfigurationError('binding', 'paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
    return ''
  }
  if (given) return given
  if (ofRequest) return ofRequest
  throw new ConfigurationError(
    'binding',
    'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  )
}
