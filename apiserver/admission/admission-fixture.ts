/** What tests of admission plugins are made of: attributes, a context over a list of objects, and a plugin's whole run. */
import type { KubeObject } from '../../api/object.ts'
import { createClusterAuthorizer, type ClusterAuthorizer } from '../auth/authorization/authorizer.ts'
import { createMemoryReader, type MemoryReader } from '../memory-reader.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'

/** An object as tests write it: whatever is left out is filled in. */
export const made = (kind: string, name: string, more: object = {}): KubeObject => {
  const { metadata, ...rest } = more as { metadata?: object }
  return { apiVersion: 'v1', kind, metadata: { name, uid: `uid-${name}`, ...metadata }, ...rest }
}

export const madeIn = (
  namespace: string,
  kind: string,
  name: string,
  more: { metadata?: object; [field: string]: unknown } = {},
): KubeObject => made(kind, name, { ...more, metadata: { namespace, ...more.metadata } })

/** A create in namespace `ns` by a user without rights, unless `more` says otherwise. Resource as `deployments.apps`. */
export function attributesOf(
  resource: string,
  object: KubeObject | undefined,
  more: Partial<AdmissionAttributes> = {},
): AdmissionAttributes {
  const [plural = '', group = ''] = resource.split(/\.(.*)/s)
  return {
    operation: 'CREATE',
    group,
    version: 'v1',
    resource: plural,
    subresource: '',
    kind: object?.kind ?? '',
    namespace: 'ns',
    name: object?.metadata.name ?? '',
    ...(object && { object }),
    user: { username: 'ann', groups: ['system:authenticated'] },
    dryRun: false,
    warnings: [],
    ...more,
  }
}

export interface Fixture {
  reader: MemoryReader
  authorizer: ClusterAuthorizer
  context: AdmissionContext
  /** Runs it as the server would: not at all when it does not care. Answers the attributes. */
  run(plugin: AdmissionPlugin, attributes: AdmissionAttributes): Promise<AdmissionAttributes>
}

export function createFixture(...objects: KubeObject[]): Fixture {
  const reader = createMemoryReader(objects)
  const authorizer = createClusterAuthorizer(reader)
  for (const object of objects) authorizer.onChange(object.kind as never, object, 'ADDED')
  const context: AdmissionContext = {
    reader,
    authorizer,
    consistent: async () => reader,
    now: () => new Date('2026-05-01T12:00:00Z'),
    updateQuotaStatus: async (quota) => quota,
  }
  return {
    reader,
    authorizer,
    context,
    async run(plugin, attributes) {
      if (!plugin.handles(attributes)) return attributes
      await plugin.admit?.(attributes, context)
      await plugin.validate?.(attributes, context)
      return attributes
    },
  }
}
