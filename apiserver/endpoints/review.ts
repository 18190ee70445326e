/** POST of a review: a question that is answered and not stored. */
import { methodNotAllowed } from '../../api/status.ts'
import type { ApiContext, ApiRequest } from '../api-context.ts'
import { REVIEWS, type Review } from '../auth/authorization/reviews.ts'
import { readObject } from '../bodies/decode-object.ts'
import { negotiate } from '../answers/negotiate.ts'
import type { RequestInfo } from '../requests/request-info.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { sendKind } from '../answers/respond.ts'
import { groupVersion, type ServedResource } from '../served-resources.ts'

/** As if they were resources, for decoding and discovery. */
export const REVIEW_DEFINITIONS: readonly ResourceDefinition[] = REVIEWS.map(toDefinition)

function toDefinition({ group, version, kind, resource, singular, namespaced, model }: Review): ResourceDefinition {
  return {
    names: {
      group,
      versions: [version],
      storageVersion: version,
      kind,
      listKind: `${kind}List`,
      plural: resource,
      singular,
      shortNames: [],
      categories: [],
      namespaced,
    },
    models: { [version]: model },
    verbs: ['create'],
  }
}

const reviews = new Map(
  REVIEWS.map((review, index) => [`${review.group}/${review.version}/${review.resource}`, { review, index }]),
)

/** The review that the path is about, as an endpoint. */
export function reviewFor({
  group,
  version,
  resource,
}: RequestInfo): ((context: ApiContext, request: ApiRequest) => Promise<void>) | undefined {
  const found = reviews.get(`${group}/${version}/${resource}`)
  return found && ((context, request) => answer(context, request, found.review, REVIEW_DEFINITIONS[found.index]!))
}

async function answer(context: ApiContext, request: ApiRequest, review: Review, definition: ResourceDefinition): Promise<void> {
  const { info, user } = request
  const { group, version } = review
  if (info.verb !== 'create' || info.name !== '') throw methodNotAllowed(group, review.resource, info.verb)
  // An answer has no columns: a client that takes nothing but a table gets a 406.
  negotiate(request.raw.headers.accept)
  const resource: ServedResource = {
    definition,
    version,
    apiVersion: groupVersion(group, version),
    prefix: '',
    isStorageVersion: true,
  }
  const object = await readObject({ ...request, resource }, 'CreateOptions')
  const { authorizer, authenticator, tokens } = context
  const answered = await review.create(object, {
    user,
    namespace: info.namespace,
    authorizer,
    authenticator,
    audiences: tokens.audiences,
  })
  await sendKind(request, 201, answered)
}
