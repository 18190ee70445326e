/**
 * The kinds that are asked and not stored: who am I, what may I do, whose token is this.
 *
 * To serve one: POST to its path, decode the body, `await review.create(object, context)`, answer 201 with the result. Nothing
 * is stored, admission does not run, and only `create` is a verb. Authorize the request itself like any other
 * (`create selfsubjectaccessreviews.authorization.k8s.io`); default roles let every user make the `Self…` ones.
 */
import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
  TokenReview,
  UserInfo as UserInfoDocument,
} from '../../../api/generated/types.ts'
import { invalid as invalidField, type FieldError } from '../../../api/field-error.ts'
import type { KubeObject } from '../../../api/object.ts'
import { badRequest, invalid } from '../../../api/status.ts'
import type { TokenAuthenticator } from '../authentication/authenticator.ts'
import type { ClusterAuthorizer } from './authorizer.ts'
import type { RequestAttributes, UserInfo } from '../user.ts'

export interface ReviewContext {
  /** Who posts it. */
  user: UserInfo
  /** From the path; empty for cluster-scoped reviews. */
  namespace: string
  authorizer: ClusterAuthorizer
  authenticator: TokenAuthenticator
  /** `--api-audiences`, for token reviews that name none. */
  audiences: readonly string[]
}

export interface Review {
  group: string
  version: string
  kind: string
  /** Plural name. */
  resource: string
  singular: string
  namespaced: boolean
  /** Model name in api/generated/schemas.json, to decode and to publish by. */
  model: string
  /** Answers the object with its status filled in. Throws the ApiError to answer with. */
  create(object: KubeObject, context: ReviewContext): Promise<KubeObject>
}

type Create<T extends KubeObject> = (object: T, context: ReviewContext) => T | Promise<T>

function review<T extends KubeObject>(group: string, kind: string, namespaced: boolean, create: Create<T>): Review {
  return {
    group,
    version: 'v1',
    kind,
    resource: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    namespaced,
    model: kind,
    // A body may leave its spec out: what is missing in it is then said by its own rules.
    create: async (object, context) => create({ spec: {}, ...object } as unknown as T, context),
  }
}

const AUTHENTICATION = 'authentication.k8s.io'
const AUTHORIZATION = 'authorization.k8s.io'

export const REVIEWS: readonly Review[] = [
  review<SelfSubjectReview>(AUTHENTICATION, 'SelfSubjectReview', false, ({ apiVersion, kind, metadata }, { user }) => ({
    apiVersion,
    kind,
    metadata,
    status: { userInfo: toDocument(user) },
  })),
  review<TokenReview>(AUTHENTICATION, 'TokenReview', false, reviewToken),
  review<LocalSubjectAccessReview>(AUTHORIZATION, 'LocalSubjectAccessReview', true, (object, context) => {
    check(AUTHORIZATION, object, validateLocal(object))
    if (object.spec.resourceAttributes?.namespace !== context.namespace) {
      throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${context.namespace}`)
    }
    return { ...object, status: decide(subjectOf(object.spec), object.spec, context) }
  }),
  review<SelfSubjectAccessReview>(AUTHORIZATION, 'SelfSubjectAccessReview', false, (object, context) => {
    check(AUTHORIZATION, object, validateAttributes(object.spec))
    return { ...object, status: decide(context.user, object.spec, context) }
  }),
  review<SelfSubjectRulesReview>(AUTHORIZATION, 'SelfSubjectRulesReview', false, reviewRules),
  review<SubjectAccessReview>(AUTHORIZATION, 'SubjectAccessReview', false, (object, context) => {
    check(AUTHORIZATION, object, [...validateAttributes(object.spec), ...validateSubject(object.spec)])
    return { ...object, status: decide(subjectOf(object.spec), object.spec, context) }
  }),
]

async function reviewToken(object: TokenReview, { authenticator, audiences }: ReviewContext): Promise<TokenReview> {
  const { token, audiences: asked = [] } = object.spec
  if (!token) throw badRequest('token is required for TokenReview in authentication')
  const wanted = asked.length > 0 ? asked : audiences
  // The token itself does not go back: answers end up in logs.
  const answer = { ...object, spec: { ...object.spec, token: '' } }
  try {
    const found = await authenticator.authenticateToken(token, wanted)
    if (!found) return { ...answer, status: { user: {} } }
    return { ...answer, status: { authenticated: true, user: toDocument(found.user), audiences: found.audiences } }
  } catch (error) {
    return { ...answer, status: { user: {}, error: `[invalid bearer token, ${(error as Error).message}]` } }
  }
}

function reviewRules(object: SelfSubjectRulesReview, { user, authorizer }: ReviewContext): SelfSubjectRulesReview {
  const namespace = object.spec.namespace ?? ''
  if (!namespace) throw badRequest('no namespace on request')
  const { rules, incomplete, errors } = authorizer.rulesFor(user, namespace)
  return {
    ...object,
    status: {
      resourceRules: rules
        .filter(({ resources }) => resources?.length)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          apiGroups,
          resources,
          ...(resourceNames?.length && { resourceNames }),
        })),
      nonResourceRules: rules
        .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
      incomplete,
      ...(errors.length > 0 && { evaluationError: errors.join(', ') }),
    },
  }
}

interface Asked {
  resourceAttributes?: ResourceAttributes | undefined
  nonResourceAttributes?: NonResourceAttributes | undefined
}

function decide(user: UserInfo, asked: Asked, { authorizer }: ReviewContext): SubjectAccessReviewStatus {
  const { allowed, reason } = authorizer.authorize(toRequest(user, asked))
  return { allowed, ...(reason && { reason }) }
}

function toRequest(user: UserInfo, { resourceAttributes: resource, nonResourceAttributes: other }: Asked): RequestAttributes {
  return {
    user,
    verb: resource?.verb ?? other?.verb ?? '',
    resource: resource?.resource ?? '',
    apiGroup: resource?.group ?? '',
    apiVersion: resource?.version ?? '',
    subresource: resource?.subresource ?? '',
    namespace: resource?.namespace ?? '',
    name: resource?.name ?? '',
    path: other?.path ?? '',
    isResourceRequest: resource !== undefined,
    ...(resource && { fieldSelector: rawSelector(resource) }),
  }
}

function rawSelector({ fieldSelector }: ResourceAttributes): string {
  if (fieldSelector?.rawSelector !== undefined) return fieldSelector.rawSelector
  const equalities = (fieldSelector?.requirements ?? []).filter(
    ({ operator, values }) => operator === 'In' && values?.length === 1,
  )
  return equalities.map(({ key, values }) => `${key}=${values?.[0]}`).join(',')
}

const subjectOf = ({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): UserInfo => ({
  username: user,
  groups,
  ...(uid && { uid }),
  ...(extra && { extra }),
})

const toDocument = ({ username, uid, groups, extra }: UserInfo): UserInfoDocument => ({
  username,
  ...(uid && { uid }),
  groups: [...groups],
  ...(extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
})

function validateAttributes({ resourceAttributes, nonResourceAttributes }: Asked): FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    return [
      invalidField(
        'spec.nonResourceAttributes',
        nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    ]
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    return [invalidField('spec.resourceAttributes', undefined, why)]
  }
  return []
}

const validateSubject = ({ user, groups }: SubjectAccessReviewSpec): FieldError[] =>
  user || groups?.length ? [] : [invalidField('spec.user', '', 'at least one of user or group must be specified')]

function validateLocal({ metadata, spec }: LocalSubjectAccessReview): FieldError[] {
  const namespace = spec.resourceAttributes?.namespace
  return [
    ...validateAttributes(spec),
    ...validateSubject(spec),
    ...(spec.nonResourceAttributes
      ? [invalidField('spec.nonResourceAttributes', spec.nonResourceAttributes, 'disallowed on this kind of request')]
      : []),
    ...(spec.resourceAttributes && metadata.namespace && namespace !== metadata.namespace
      ? [invalidField('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace')]
      : []),
  ]
}

function check(group: string, object: KubeObject, errors: FieldError[]): void {
  if (errors.length > 0) throw invalid(group, object.kind, '', errors)
}
