/** Answers a write with what it stored, or with what a dry run would have. */
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import type { Stored } from '../writes/create-object.ts'
import { sendEntry, sendObject } from './send-object.ts'

export const sendStored = (context: ApiContext, request: ResourceRequest, code: number, stored: Stored): void | Promise<void> =>
  'entry' in stored ? sendEntry(context, request, code, stored.entry) : sendObject(context, request, code, stored.dryRun)
