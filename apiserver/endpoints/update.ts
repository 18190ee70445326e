/** PUT of a whole object or its status: unconditional without a resourceVersion, where the kind allows that. */
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { authorizeCreate } from '../auth/authorization/authorize-create.ts'
import { createObject } from '../writes/create-object.ts'
import { readObject } from '../bodies/decode-object.ts'
import { checkAcceptable } from '../answers/send-object.ts'
import { sendStored } from '../answers/send-stored.ts'
import { updateObject } from '../writes/update-object.ts'
import { readWriteOptions } from '../writes/write-options.ts'

export async function update(context: ApiContext, request: ResourceRequest): Promise<void> {
  checkAcceptable(request)
  const options = readWriteOptions(request, 'UpdateOptions')
  const sent = await readObject(request, 'UpdateOptions')
  let created = false
  const { createOnUpdate = false } = request.resource.definition
  const stored = await updateObject(context, request, options, {
    // Each attempt fills the object in: a second one must begin with what was sent.
    compute: copier(sent),
    needsResourceVersion: true,
    ...(createOnUpdate &&
      !request.info.subresource && {
        createInstead: () => {
          authorizeCreate(context, request)
          created = true
          return createObject(context, request, sent, options)
        },
      }),
  })
  await sendStored(context, request, created ? 201 : 200, stored)
}

function copier(sent: KubeObject): () => KubeObject {
  const text = JSON.stringify(sent)
  return () => JSON.parse(text) as KubeObject
}
