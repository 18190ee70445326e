/** "Not found" has two meanings: this object does not exist, or nothing is served at that path. Only the first proves absence. */
import { isApiError, isNotFound } from '../api/status.ts'

export const isObjectGone = (error: unknown): boolean => isNotFound(error) && isApiError(error) && Boolean(error.details?.name)
