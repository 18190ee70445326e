/** A request as the authorizer judges it. */
import type { RequestAttributes, UserInfo } from '../user.ts'
import type { RequestInfo } from '../../requests/request-info.ts'

export function attributesOf(user: UserInfo, info: RequestInfo): RequestAttributes {
  return {
    user,
    verb: info.verb,
    resource: info.resource,
    apiGroup: info.group,
    apiVersion: info.version,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    path: info.path,
    isResourceRequest: info.isResource,
    fieldSelector: info.query.get('fieldSelector') ?? '',
  }
}
