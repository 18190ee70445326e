/** NamespaceLifecycle: nothing is made in a namespace that is missing or on its way out, and three of them stay for ever. */
import type { Namespace } from '../../api/generated/types.ts'
import { forbidden, notFound } from '../../api/status.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import { isResource, refuse } from './refuse.ts'

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public'])
/** For so long after a deletion through this server its cache is not trusted to have seen it. */
const DOUBT_MS = 30_000

export function createNamespaceLifecycle(): AdmissionPlugin {
  const deletedAt = new Map<string, number>()

  function rememberDeletion(name: string, now: number): void {
    for (const [other, at] of deletedAt) if (now - at > DOUBT_MS) deletedAt.delete(other)
    deletedAt.set(name, now)
  }

  async function find(name: string, context: AdmissionContext): Promise<Namespace | undefined> {
    const cached = context.reader.get('Namespace', { name })
    const doubtful = context.now().getTime() - (deletedAt.get(name) ?? Number.NEGATIVE_INFINITY) <= DOUBT_MS
    if (cached && !(doubtful && cached.status?.phase === 'Active')) return cached
    return (await context.consistent()).get('Namespace', { name })
  }

  return {
    name: 'NamespaceLifecycle',
    handles: ({ operation, namespace, kind }) => operation !== 'CONNECT' && (namespace !== '' || kind === 'Namespace'),
    admit(attributes, context) {
      const { operation, namespace, name } = attributes
      if (isResource(attributes, 'namespaces')) {
        if (operation !== 'DELETE') return undefined
        if (IMMORTAL.has(name)) throw forbidden('', 'namespaces', name, 'this namespace may not be deleted')
        rememberDeletion(name, context.now().getTime())
        return undefined
      }
      // What is said about a review must not tell whether a namespace exists.
      if (operation === 'DELETE' || isResource(attributes, 'localsubjectaccessreviews.authorization.k8s.io')) return undefined
      const cached = context.reader.get('Namespace', { name: namespace })
      if (cached && !deletedAt.has(namespace)) return judge(attributes, cached)
      return find(namespace, context).then((found) => {
        if (!found) throw notFound('', 'namespaces', namespace)
        judge(attributes, found)
      })
    },
  }
}

function judge(attributes: AdmissionAttributes, { status, metadata: { name } }: Namespace): void {
  if (attributes.operation !== 'CREATE' || status?.phase !== 'Terminating') return
  const error = refuse(attributes, `unable to create new content in namespace ${name} because it is being terminated`)
  error.status.details = {
    ...error.status.details,
    causes: [{ reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' }],
  }
  throw error
}
