/** DELETE of a collection: each object of the selection, as if it were deleted alone. Not atomic, as upstream's is not. */
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { deleteIfPresent } from '../writes/delete-object.ts'
import { readDeleteOptions } from '../writes/delete-options.ts'
import { readListOptions } from '../reads/list-options.ts'
import { readSelection } from '../reads/selection.ts'
import type { Entry } from '../storage/store.ts'
import { readWriteOptions } from '../writes/write-options.ts'
import { readPage, sendPage } from './list.ts'
import { negotiate } from '../answers/negotiate.ts'

const WORKERS = 16

export async function removeCollection(context: ApiContext, request: ResourceRequest): Promise<void> {
  const { info, resource, raw } = request
  const accepted = negotiate(raw.headers.accept, ['Table', 'PartialObjectMetadataList'], resource)
  const { cause } = readWriteOptions(request, 'DeleteOptions')
  const options = { ...(await readDeleteOptions(request)), cause }
  const page = await readPage(context, resource, readSelection(info, resource), readListOptions(info.query, false))
  const waiting = page.entries.values()
  const work = async () => {
    for (const entry of waiting) await deleteEntry(entry)
  }
  const deleteEntry = ({ namespace, name }: Entry) => deleteIfPresent(context, request, options, namespace, name)
  await Promise.all(Array.from({ length: Math.min(WORKERS, page.entries.length) }, work))
  await sendPage(context, request, accepted, page)
}
