/** `authorizer` in CEL: may the user of the request, or a service account, do something else as well? */
import { CelOpaque, noOverload, type CelValue } from '../../api/cel/values.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import { toServiceAccountUser } from '../auth/service-account-user.ts'
import type { Authorizer, RequestAttributes, UserInfo } from '../auth/user.ts'

const text = (value: CelValue | undefined): string => {
  if (typeof value !== 'string') throw noOverload()
  return value
}

const NOTHING: Omit<RequestAttributes, 'user'> = {
  ...{ verb: '', resource: '', apiGroup: '', apiVersion: '*', subresource: '', namespace: '', name: '', path: '' },
  isResourceRequest: true,
}

export function createAuthorizerValue(authorizer: Authorizer, attributes: AdmissionAttributes): CelOpaque {
  const { group, resource, subresource, namespace, name } = attributes
  const decide = (request: RequestAttributes): CelOpaque => {
    const { allowed, reason } = authorizer.authorize(request)
    return new CelOpaque('kubernetes.authorization.Decision', JSON.stringify({ allowed, reason }), {
      allowed: () => allowed,
      reason: () => reason,
      errored: () => false,
      error: () => '',
    })
  }
  const resourceCheck = (request: RequestAttributes): CelOpaque => {
    const narrowed =
      (field: 'subresource' | 'namespace' | 'name' | 'fieldSelector') =>
      (value: CelValue): CelOpaque =>
        resourceCheck({ ...request, [field]: text(value) })
    return new CelOpaque('kubernetes.authorization.ResourceCheck', JSON.stringify(request), {
      subresource: narrowed('subresource'),
      namespace: narrowed('namespace'),
      name: narrowed('name'),
      fieldSelector: narrowed('fieldSelector'),
      // No authorizer of ours allows more for it.
      labelSelector: () => resourceCheck(request),
      check: (verb) => decide({ ...request, verb: text(verb) }),
    })
  }
  const createFor = (user: UserInfo): CelOpaque =>
    new CelOpaque(
      'kubernetes.authorization.Authorizer',
      user.username,
      {
        path: (path) =>
          new CelOpaque('kubernetes.authorization.PathCheck', text(path), {
            check: (verb) => decide({ ...NOTHING, user, path: text(path), verb: text(verb), isResourceRequest: false }),
          }),
        group: (apiGroup) =>
          new CelOpaque('kubernetes.authorization.GroupCheck', text(apiGroup), {
            resource: (plural) => resourceCheck({ ...NOTHING, user, apiGroup: text(apiGroup), resource: text(plural) }),
          }),
        serviceAccount: (space, account) => createFor(toServiceAccountUser(text(space), text(account))),
      },
      {
        field: (field) =>
          field === 'requestResource'
            ? resourceCheck({ ...NOTHING, user, apiGroup: group, resource, subresource, namespace, name })
            : undefined,
      },
    )
  return createFor(attributes.user)
}
