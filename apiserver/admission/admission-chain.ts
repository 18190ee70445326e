/** Runs the admission plugins that care for a write: first all that may change the object, later all that may refuse it. */
import type { KubeObject } from '../../api/object.ts'
import type { AdmissionAttributes } from './plugin.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import type { DeleteOptions } from '../writes/delete-options.ts'

export interface Admission {
  /** Mutating plugins, in order; they change `attributes.object` in place. */
  admit(): Promise<void>
  validate(): Promise<void>
}

export function createAdmission({ admissionPlugins, admission }: ApiContext, attributes: AdmissionAttributes): Admission {
  const plugins = admissionPlugins.filter((plugin) => plugin.handles(attributes))
  const admitOnce = async () => {
    for (const plugin of plugins) {
      const done = plugin.admit?.(attributes, admission)
      if (done) await done
    }
  }
  return {
    async admit() {
      await admitOnce()
      const { reinvocation } = attributes
      if (!reinvocation?.wanted) return
      // A webhook has changed the object: plugins see it once more, and the webhooks that asked to be told of such changes.
      reinvocation.round = 1
      await admitOnce()
    },
    async validate() {
      for (const plugin of plugins) {
        const done = plugin.validate?.(attributes, admission)
        if (done) await done
      }
    },
  }
}

export function admissionAttributes(
  { info, resource, user, warnings, audit }: ResourceRequest,
  operation: AdmissionAttributes['operation'],
  dryRun: boolean,
  object: KubeObject | undefined,
  oldObject: KubeObject | undefined,
  deleteOptions?: DeleteOptions,
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
    asked: { resource, info, deleteOptions },
  }
}
