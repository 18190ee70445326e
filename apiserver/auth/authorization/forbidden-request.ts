/** The 403 that a refused request is answered with, in upstream's words. */
import { forbidden, type ApiError } from '../../../api/status.ts'
import type { RequestAttributes } from '../user.ts'

/** `pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "default"` */
export function forbiddenRequest(attributes: RequestAttributes, reason = ''): ApiError {
  const { apiGroup, resource, name } = attributes
  const why = escapeMarkup(messageOf(attributes)) + (reason && `: ${reason}`)
  return attributes.isResourceRequest ? forbidden(apiGroup, resource, name, why) : forbidden('', '', '', why)
}

function messageOf({
  user,
  verb,
  path,
  isResourceRequest,
  resource,
  subresource,
  apiGroup,
  namespace,
}: RequestAttributes): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${verb}`
  if (!isResourceRequest) return `${who} path ${JSON.stringify(path)}`
  const what = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(apiGroup)} ${where}`
}

/** A path or name that a client chose must not come back as markup to a browser. */
const escapeMarkup = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
