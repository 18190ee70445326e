/** Subresources that change one part of an object and leave the rest: namespaces/finalize, CSR approval, pod resize and debug. */
import type { CertificateSigningRequest, Container, Namespace, Pod } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext, Endpoint, ResourceRequest } from '../api-context.ts'
import { readObject } from '../bodies/decode-object.ts'
import { checkAcceptable } from '../answers/send-object.ts'
import { sendStored } from '../answers/send-stored.ts'
import { updateObject } from '../writes/update-object.ts'
import { readWriteOptions } from '../writes/write-options.ts'
import { readPatch } from './patch.ts'

/** Copies the part out of `sent` into `object`, which is the stored one. In place. */
type TakePart = (object: KubeObject, sent: KubeObject) => void

const finalizers: TakePart = (object, sent) => {
  const namespace = object as Namespace
  namespace.spec = { ...namespace.spec, finalizers: (sent as Namespace).spec?.finalizers }
}

const approval: TakePart = (object, sent) => {
  const request = object as CertificateSigningRequest
  request.status = { ...request.status, conditions: (sent as CertificateSigningRequest).status?.conditions }
  // Who approves may say so on the object as well, as upstream lets them.
  const { labels, annotations } = sent.metadata
  request.metadata = { ...request.metadata, labels, annotations }
}

const ephemeralContainers: TakePart = (object, sent) => {
  const pod = object as Pod
  pod.spec = { ...pod.spec!, ephemeralContainers: (sent as Pod).spec?.ephemeralContainers }
}

const resources: TakePart = (object, sent) => {
  const wanted = new Map(((sent as Pod).spec?.containers ?? []).map((container) => [container.name, container]))
  const resize = (container: Container): Container => {
    const { resources, resizePolicy } = wanted.get(container.name) ?? container
    return { ...container, ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) }
  }
  const pod = object as Pod
  pod.spec = { ...pod.spec!, containers: pod.spec!.containers.map(resize) }
}

/** PUT and PATCH of one part. */
function endpointsOf(take: TakePart): { update: Endpoint; patch: Endpoint } {
  const store = async (
    context: ApiContext,
    request: ResourceRequest,
    sentFor: (current: KubeObject) => KubeObject,
    kind: string,
  ) => {
    checkAcceptable(request)
    const options = readWriteOptions(request, kind)
    const stored = await updateObject(context, request, options, {
      partial: true,
      compute: (current) => {
        const object = JSON.parse(current.bytes.toString()) as KubeObject
        const sent = sentFor(structuredClone(object))
        take(object, sent)
        object.metadata.resourceVersion = sent.metadata.resourceVersion
        return object
      },
    })
    await sendStored(context, request, 200, stored)
  }
  return {
    async update(context, request) {
      const sent = await readObject(request, 'UpdateOptions')
      await store(context, request, () => sent, 'UpdateOptions')
    },
    async patch(context, request) {
      const apply = await readPatch(request)
      await store(context, request, apply, 'PatchOptions')
    },
  }
}

export const finalize = endpointsOf(finalizers)
export const approve = endpointsOf(approval)
export const debug = endpointsOf(ephemeralContainers)
export const resize = endpointsOf(resources)
