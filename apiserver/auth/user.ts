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
  /**
   * The raw `fieldSelector` of a list, watch or deletecollection, empty when there is none. Nodes may read only the pods that
   * are theirs by it; left undefined (by a caller that cannot know) it narrows nothing.
   */
  fieldSelector?: string | undefined
}

export type Decision = { allowed: true; reason: string } | { allowed: false; reason: string }

export interface Authenticator {
  /**
   * The user behind this connection and these headers; undefined when they name nobody. Throws `unauthorized` on a bad token.
   * Header names are lower-case. A header that may repeat (`x-remote-group`) must come as an array, as `headersDistinct` has it:
   * Node's `headers` joins the values into one.
   */
  authenticate(request: { headers: RequestHeaders; certificate: PeerCertificate | undefined }): Promise<UserInfo | undefined>
}

export type RequestHeaders = Record<string, string | string[] | undefined>

/** The client certificate of a TLS connection, and what it is worth: read once a connection, by `createPeerCertificateReader`. */
export interface PeerCertificate {
  commonName: string
  organizations: readonly string[]
  /**
   * Which authority signed it: users' certificates and the front proxy's are told apart by it. `unknown` names nobody, and is
   * refused unless other credentials come with it. Default `client`.
   */
  authority?: 'client' | 'front-proxy' | 'unknown'
  /** A connection may outlive its certificate. */
  validTo?: Date
  /** SHA-256 of the certificate in lower-case hex: becomes the credential id of the user. */
  fingerprint?: string
}

export interface Authorizer {
  authorize(attributes: RequestAttributes): Decision
}
