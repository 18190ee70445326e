/** The two documents by which others verify service-account tokens: pure, made once when the server starts. */
import type { ServiceAccountTokens } from './service-account-tokens.ts'

export const OPENID_CONFIGURATION_PATH = '/.well-known/openid-configuration'
export const JWKS_PATH = '/openid/v1/jwks'

/** Served as application/json. */
export const openidConfiguration = (tokens: ServiceAccountTokens, jwksUri = `${tokens.issuer}${JWKS_PATH}`) => ({
  issuer: tokens.issuer,
  jwks_uri: jwksUri,
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: [...new Set(tokens.keys.map(({ algorithm }) => algorithm))].sort(),
})

/** Served as application/jwk-set+json. */
export const jsonWebKeySet = (tokens: ServiceAccountTokens) => ({
  keys: tokens.keys.map(({ key, id, algorithm }) => ({ use: 'sig', kid: id, alg: algorithm, ...key.export({ format: 'jwk' }) })),
})
