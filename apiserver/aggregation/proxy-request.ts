/** Passes a request on to the API server that answers for its group and version, in the name of the user who made it. */
import type { ApiContext, ApiRequest } from '../api-context.ts'
import { relay, type Target } from '../relays/relay.ts'
import { sendText } from '../answers/respond.ts'
import type { RemoteService } from './remote-services.ts'
import { remoteTarget } from './remote-target.ts'

export async function proxyRequest(context: ApiContext, request: ApiRequest, remote: RemoteService): Promise<void> {
  for (const [name, value] of Object.entries(request.headers ?? {})) request.response.setHeader(name, value)
  const target = remote.available ? targetOf(context, request, remote) : undefined
  // Plain text, as upstream says it; clients make a Status of the code.
  if (!target) return sendText(request, 503, 'service unavailable\n')
  await relay(request, { ...target, refusesRedirects: true, withholds: context.aggregation.namesUser })
}

function targetOf({ admission, aggregation, logger }: ApiContext, { raw, user }: ApiRequest, remote: RemoteService) {
  try {
    return remoteTarget(admission.reader, remote, aggregation.proxyClient, raw.url ?? '/', user) as Target
  } catch (error) {
    logger.warn('cannot reach the service of an API', { name: remote.name, error })
    return undefined
  }
}
