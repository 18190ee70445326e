/** Who is asking and what for: the values that authentication makes and authorization judges. */

export interface UserInfo {
  username: string
  uid?: string
  groups: readonly string[]
  extra?: Record<string, readonly string[]>
}

export interface RequestAttributes {
  user: UserInfo
  /** Kubernetes verb for resources (`list`), lower-case HTTP method for other URLs. */
  verb: string
  /** Empty for a non-resource URL. */
  resource: string
  apiGroup: string
  apiVersion: string
  subresource: string
  namespace: string
  name: string
  /** The URL path; what rules for non-resource URLs match. */
  path: string
  isResourceRequest: boolean
}

export type Decision = { allowed: true; reason: string } | { allowed: false; reason: string }

export interface Authenticator {
  /** The user behind this connection and these headers; undefined when they name nobody. Throws `unauthorized` on a bad token. */
  authenticate(request: {
    headers: Record<string, string | string[] | undefined>
    certificate: PeerCertificate | undefined
  }): Promise<UserInfo | undefined>
}

/** The verified client certificate of a TLS connection: read once a connection. */
export interface PeerCertificate {
  commonName: string
  organizations: readonly string[]
}

export interface Authorizer {
  authorize(attributes: RequestAttributes): Decision
}
