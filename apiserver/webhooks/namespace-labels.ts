/** The labels that namespace selectors of webhooks and policies are about. */
import { notFound } from '../../api/status.ts'
import type { AdmissionAttributes, AdmissionContext } from '../admission/plugin.ts'

/** A namespace that is being written is judged by what it will be; others by what they are. */
export async function namespaceLabels(
  { namespace, resource, subresource, operation, object }: AdmissionAttributes,
  { reader, consistent }: AdmissionContext,
): Promise<Record<string, string> | undefined> {
  if (resource === 'namespaces' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'))
    return object?.metadata.labels
  const found = reader.get('Namespace', { name: namespace }) ?? (await consistent()).get('Namespace', { name: namespace })
  if (!found) throw notFound('', 'namespaces', namespace)
  return found.metadata.labels
}
