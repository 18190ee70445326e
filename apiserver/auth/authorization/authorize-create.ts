/** A PUT or an apply that makes the object needs the right to create as well, and so does a session in a container however it begins. */
import type { ApiContext, ResourceRequest } from '../../api-context.ts'
import { forbiddenRequest } from './forbidden-request.ts'
import { attributesOf } from './request-attributes.ts'

/** Throws 403. */
export function authorizeCreate({ authorizer }: ApiContext, { user, info }: ResourceRequest): void {
  const attributes = { ...attributesOf(user, info), verb: 'create' }
  const decision = authorizer.authorize(attributes)
  if (!decision.allowed) throw forbiddenRequest(attributes, decision.reason)
}
