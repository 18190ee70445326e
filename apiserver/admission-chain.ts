/** Runs the admission plugins that care for a write: first all that may change the object, later all that may refuse it. */
import type { KubeObject } from '../api/object.ts'
import type { AdmissionAttributes } from './admission/plugin.ts'
import type { ApiContext, ResourceRequest } from './api-context.ts'

export interface Admission {
  /** Mutating plugins, in order; they change `attributes.object` in place. */
  admit(): Promise<void>
  validate(): Promise<void>
}

export function createAdmission({ admissionPlugins, admission }: ApiContext, attributes: AdmissionAttributes): Admission {
  const plugins = admissionPlugins.filter((plugin) => plugin.handles(attributes))
  return {
    async admit() {
      for (const plugin of plugins) if (plugin.admit) await plugin.admit(attributes, admission)
    },
    async validate() {
      for (const plugin of plugins) if (plugin.validate) await plugin.validate(attributes, admission)
    },
  }
}

export function admissionAttributes(
  { info, resource, user, warnings, audit }: ResourceRequest,
  operation: AdmissionAttributes['operation'],
  dryRun: boolean,
  object: KubeObject | undefined,
  oldObject: KubeObject | undefined,
): AdmissionAttributes {
  const { names } = resource.definition
  return {
    operation,
    group: names.group,
    version: names.storageVersion,
    resource: names.plural,
    subresource: info.subresource,
    kind: names.kind,
    // As upstream: a namespace is admitted as if it were in itself.
    namespace: names.kind === 'Namespace' && names.group === '' ? (object?.metadata.name ?? info.name) : info.namespace,
    name: info.name || (object?.metadata.name ?? ''),
    ...(object && { object }),
    ...(oldObject && { oldObject }),
    user,
    dryRun,
    warnings,
    ...(audit && { auditAnnotations: audit.annotations }),
  }
}
