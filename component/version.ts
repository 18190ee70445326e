/** Which Kubernetes this is, and from which commit it was built. */

export const KUBERNETES_VERSION = 'v1.36.0+kubelab.0'

/** Put in by the build; sources that run as they are have no commit. */
declare const KUBELAB_COMMIT: string | undefined
declare const KUBELAB_COMMIT_DATE: string | undefined

const UNKNOWN_COMMIT = '0'.repeat(40)

export const GIT_COMMIT: string = typeof KUBELAB_COMMIT === 'string' && KUBELAB_COMMIT ? KUBELAB_COMMIT : UNKNOWN_COMMIT
export const GIT_COMMIT_DATE: string =
  typeof KUBELAB_COMMIT_DATE === 'string' && KUBELAB_COMMIT_DATE ? KUBELAB_COMMIT_DATE : '1970-01-01T00:00:00Z'
