/** POST to a collection: a new object. */
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { createObject } from '../writes/create-object.ts'
import { readObject } from '../bodies/decode-object.ts'
import { checkAcceptable } from '../answers/send-object.ts'
import { sendStored } from '../answers/send-stored.ts'
import { readWriteOptions } from '../writes/write-options.ts'

export async function create(context: ApiContext, request: ResourceRequest): Promise<void> {
  checkAcceptable(request)
  const options = readWriteOptions(request, 'CreateOptions')
  const object = await readObject(request, 'CreateOptions')
  const stored = await createObject(context, request, object, options)
  await sendStored(context, request, 201, stored)
}
