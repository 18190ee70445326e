/** The parameters of list and watch, read and checked as upstream checks them. */
import { forbidden, invalid as invalidField, notSupported, type FieldError } from '../../api/field-error.ts'
import { badRequest, invalid } from '../../api/status.ts'

export interface ListOptions {
  /** Undefined when absent or empty: the newest committed state. */
  resourceVersion: number | undefined
  match: 'Exact' | 'NotOlderThan' | undefined
  limit: number
  continue: ContinueToken | undefined
  timeoutSeconds: number | undefined
  allowWatchBookmarks: boolean
  sendInitialEvents: boolean | undefined
}

/** Where the next page begins. Opaque to clients; the form is upstream's. */
export interface ContinueToken {
  /** -1: from whatever is there now, after the old snapshot went away. */
  revision: number
  /** Below the resource's prefix. */
  start: string
}

export function readListOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const resourceVersion = query.get('resourceVersion') || undefined
  const match = query.get('resourceVersionMatch') || undefined
  const continueText = query.get('continue') || undefined
  const options: ListOptions = {
    resourceVersion: resourceVersion === undefined ? undefined : parseRevision(resourceVersion),
    match: match as ListOptions['match'],
    limit: wholeNumber(query, 'limit') ?? 0,
    continue: continueText === undefined ? undefined : decodeContinue(continueText),
    timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
    allowWatchBookmarks: truth(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: truth(query, 'sendInitialEvents'),
  }
  const errors = validateListOptions(options, match, watch)
  if (errors.length > 0) throw invalid('meta.k8s.io', 'ListOptions', '', errors)
  if (options.continue && options.resourceVersion !== undefined && options.resourceVersion !== 0)
    throw badRequest('specifying resource version is not allowed when using continue')
  return options
}

function validateListOptions(options: ListOptions, match: string | undefined, watch: boolean): FieldError[] {
  const errors: FieldError[] = []
  const { sendInitialEvents, resourceVersion } = options
  if (sendInitialEvents !== undefined && !watch)
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  if (sendInitialEvents !== undefined && watch && match !== 'NotOlderThan')
    errors.push(forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (match === undefined || sendInitialEvents !== undefined) return errors
  if (watch)
    errors.push(
      forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
    )
  if (resourceVersion === undefined)
    errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
  if (options.continue)
    errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
  if (match !== 'Exact' && match !== 'NotOlderThan')
    errors.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan']))
  if (match === 'Exact' && resourceVersion === 0)
    errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  return errors
}

/** Throws upstream's 400 for what is no revision. */
export function parseRevision(text: string): number {
  if (!/^\d{1,16}$/.test(text))
    throw invalid('meta.k8s.io', 'ListOptions', '', [
      invalidField('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`),
    ])
  return Number(text)
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (!text) return undefined
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

function truth(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name)
  return text === null ? undefined : text !== '0' && text.toLowerCase() !== 'false'
}

export const encodeContinue = ({ revision, start }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url')

function decodeContinue(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>
    const { v, rv, start } = token
    const valid = v === 'meta.k8s.io/v1' && Number.isSafeInteger(rv) && rv !== 0 && typeof start === 'string' && start !== ''
    // A key that climbs out of the resource's prefix would read another resource's objects.
    if (valid && !start.startsWith('/') && !start.includes('..')) return { revision: rv as number, start }
  } catch {
    // Answered below: a token is valid or it is not.
  }
  throw badRequest('invalid continue token: continue key is not valid: a token of an earlier list is expected')
}
