/** DELETE of one object: answers the object while it waits for its end, a Status when it has gone. */
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { deleteObject } from '../writes/delete-object.ts'
import { readDeleteOptions } from '../writes/delete-options.ts'
import { sendKind, successStatus } from '../answers/respond.ts'
import { checkAcceptable } from '../answers/send-object.ts'
import { sendStored } from '../answers/send-stored.ts'
import { readWriteOptions } from '../writes/write-options.ts'
import { keyOfRequest } from './get.ts'

/** Kinds whose last version upstream answers in place of a Status. */
const ANSWERS_OBJECT: Record<string, readonly string[]> = {
  '': [
    'namespaces',
    'pods',
    'podtemplates',
    'services',
    'serviceaccounts',
    'resourcequotas',
    'persistentvolumeclaims',
    'persistentvolumes',
  ],
  'storage.k8s.io': ['csidrivers', 'csinodes', 'storageclasses', 'volumeattachments'],
}

export async function remove(context: ApiContext, request: ResourceRequest): Promise<void> {
  checkAcceptable(request)
  keyOfRequest(request)
  const { info, resource } = request
  const { names } = resource.definition
  const { cause } = readWriteOptions(request, 'DeleteOptions')
  const options = { ...(await readDeleteOptions(request)), cause }
  const deleted = await deleteObject(context, request, options, names.namespaced ? info.namespace : '', info.name)
  if (!deleted.removed || ANSWERS_OBJECT[names.group]?.includes(names.plural)) return sendStored(context, request, 200, deleted)
  const uid = 'entry' in deleted ? deleted.entry.uid : deleted.dryRun.metadata.uid
  const details = { name: info.name, ...(names.group && { group: names.group }), kind: names.plural, uid }
  await sendKind(request, 200, successStatus(details))
}
