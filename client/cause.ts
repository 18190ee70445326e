/** Names the object version that woke a writer, for the `Kubelab-Cause` header. */
import { kindInfo, type KindName } from '../api/kinds.ts'
import { keyOf, type KubeObject } from '../api/object.ts'

/** `pods/default/web@42`; cluster-scoped objects have no namespace part. */
export const causeOf = (kind: KindName, object: KubeObject): string =>
  `${kindInfo(kind).plural}/${keyOf(object)}@${object.metadata.resourceVersion ?? ''}`
