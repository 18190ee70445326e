/** TokenRequest: POST to /serviceaccounts/NAME/token answers a signed token, bound to what was asked for. */
import type {
  AuthenticationTokenRequest,
  BoundObjectReference,
  ObjectMeta,
  Pod,
  TokenRequestSpec,
} from '../../../api/generated/types.ts'
import { invalid as invalidField, tooLong, type FieldError } from '../../../api/field-error.ts'
import type { ObjectKey } from '../../../api/object.ts'
import { badRequest, conflict, invalid, notFound } from '../../../api/status.ts'
import type { ClusterReader } from '../../admission/plugin.ts'
import type { BoundObject, ServiceAccountTokens } from './service-account-tokens.ts'

export interface TokenRequestContext {
  reader: ClusterReader
  tokens: ServiceAccountTokens
  /** Admission has run; nothing is stored, so a dry run gets no token. */
  dryRun: boolean
  now: () => Date
  /** `--service-account-max-token-expiration` in seconds; absent for none. */
  maxExpirationSeconds?: number
}

const GROUP = 'authentication.k8s.io'
const DEFAULT_SECONDS = 3600
const MIN_SECONDS = 600
const MAX_SECONDS = 2 ** 32
/** What the ServiceAccount plugin asks for: such tokens stay good for a year, and their late use is worth a warning. */
export const INJECTED_TOKEN_SECONDS = 3607
const EXTENDED_SECONDS = 365 * 24 * 3600

export async function createToken(
  account: ObjectKey,
  request: AuthenticationTokenRequest,
  context: TokenRequestContext,
): Promise<AuthenticationTokenRequest> {
  const { reader, tokens, now, dryRun, maxExpirationSeconds } = context
  checkNames(request.metadata, account)
  const spec = withDefaults(request.spec, tokens)
  const errors = validate(spec)
  if (errors.length > 0) throw invalid(GROUP, 'TokenRequest', '', errors)
  const serviceAccount = reader.get('ServiceAccount', account)
  if (!serviceAccount) throw notFound('', 'serviceaccounts', account.name)
  const namespace = account.namespace ?? ''
  const bound = spec.boundObjectRef && resolveBound(spec.boundObjectRef, namespace, account.name, reader)

  const seconds = Math.min(spec.expirationSeconds, maxExpirationSeconds ?? Number.POSITIVE_INFINITY)
  const extended = bound?.boundTo.kind === 'Pod' && seconds === INJECTED_TOKEN_SECONDS
  // Taken before the token is signed: what the status promises never passes what the token holds.
  const issuedAt = now().getTime()
  const token = dryRun
    ? ''
    : await tokens.issue({
        serviceAccount: { namespace, name: account.name, uid: serviceAccount.metadata.uid },
        audiences: spec.audiences,
        expirationSeconds: extended ? EXTENDED_SECONDS : seconds,
        warnAfterSeconds: extended ? seconds : undefined,
        boundTo: bound?.boundTo,
        node: bound?.node,
      })
  const expirationTimestamp = new Date(issuedAt + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    ...request,
    metadata: { ...request.metadata, name: account.name, namespace },
    spec: { ...spec, expirationSeconds: seconds },
    status: { token, expirationTimestamp },
  }
}

type Complete = TokenRequestSpec & { audiences: string[]; expirationSeconds: number }

const withDefaults = (spec: TokenRequestSpec | undefined, tokens: ServiceAccountTokens): Complete => ({
  ...spec,
  audiences: spec?.audiences?.length ? spec.audiences : [...tokens.audiences],
  expirationSeconds: spec?.expirationSeconds ?? DEFAULT_SECONDS,
})

function validate({ expirationSeconds, audiences }: Complete): FieldError[] {
  const field = 'spec.expirationSeconds'
  return [
    ...(expirationSeconds < MIN_SECONDS
      ? [invalidField(field, expirationSeconds, 'may not specify a duration less than 10 minutes')]
      : []),
    ...(expirationSeconds > MAX_SECONDS
      ? [invalidField(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')]
      : []),
    ...audiences.flatMap((audience, index) => (audience.length > 2048 ? [tooLong(`spec.audiences[${index}]`, 2048)] : [])),
  ]
}

interface Bound {
  boundTo: BoundObject
  node?: { name: string; uid: string } | undefined
}

function resolveBound(ref: BoundObjectReference, namespace: string, account: string, reader: ClusterReader): Bound {
  const bound = findBound(ref, namespace, account, reader)
  if (ref.uid && ref.uid !== bound.boundTo.uid) {
    const why =
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. ` +
      'The object might have been deleted and then recreated'
    throw conflict('', ref.kind ?? '', ref.name ?? '', why)
  }
  return bound
}

function findBound(ref: BoundObjectReference, namespace: string, account: string, reader: ClusterReader): Bound {
  const name = ref.name ?? ''
  const kind = ref.apiVersion === undefined || ref.apiVersion === 'v1' ? ref.kind : undefined
  switch (kind) {
    case 'Pod': {
      const pod = reader.get('Pod', { namespace, name })
      if (!pod) throw notFound('', 'pods', name)
      if (pod.spec?.serviceAccountName !== account) {
        const why = `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`
        throw badRequest(why)
      }
      return { boundTo: { kind, name, uid: pod.metadata.uid }, node: nodeOf(pod, reader) }
    }
    case 'Secret': {
      const secret = reader.get('Secret', { namespace, name })
      if (!secret) throw notFound('', 'secrets', name)
      return { boundTo: { kind, name, uid: secret.metadata.uid } }
    }
    case 'Node': {
      const node = reader.get('Node', { name })
      if (!node) throw notFound('', 'nodes', name)
      return { boundTo: { kind, name, uid: node.metadata.uid } }
    }
    default:
      throw badRequest(`cannot bind token to object of type ${ref.apiVersion ?? ''}, Kind=${ref.kind ?? ''}`)
  }
}

function nodeOf(pod: Pod, reader: ClusterReader): { name: string; uid: string } | undefined {
  const name = pod.spec?.nodeName
  if (!name) return undefined
  return { name, uid: reader.get('Node', { name })?.metadata.uid ?? '' }
}

function checkNames({ name, namespace }: Partial<ObjectMeta> = {}, account: ObjectKey): void {
  if (name && name !== account.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${account.name})`)
  }
  if (namespace && namespace !== account.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}
