/** POST to pods/NAME/binding, or to bindings as it once was: the scheduler's word on which node a pod runs. */
import type { Binding, Pod } from '../../api/generated/types.ts'
import { invalid as invalidField, required } from '../../api/field-error.ts'
import type { KubeObject } from '../../api/object.ts'
import { badRequest, conflict, invalid, methodNotAllowed, unknownPath } from '../../api/status.ts'
import { admissionAttributes, createAdmission } from '../admission/admission-chain.ts'
import type { ApiContext, ApiRequest, ResourceRequest } from '../api-context.ts'
import { mutateStored } from '../writes/mutate-stored.ts'
import { readBodyObject } from '../bodies/read-body-object.ts'
import type { RequestInfo } from '../requests/request-info.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { sendKind, successStatus } from '../answers/respond.ts'
import { readWriteOptions } from '../writes/write-options.ts'
import { toSeconds } from '../writes/write-steps.ts'
import { keyOfRequest } from './get.ts'

/** `bindings` as if it were a resource, for discovery: it is created in, and nothing else. */
export const BINDING_DEFINITION: ResourceDefinition = {
  names: {
    group: '',
    versions: ['v1'],
    storageVersion: 'v1',
    kind: 'Binding',
    listKind: 'BindingList',
    plural: 'bindings',
    singular: 'binding',
    shortNames: [],
    categories: [],
    namespaced: true,
  },
  models: { v1: 'Binding' },
  verbs: ['create'],
}

export const isLegacyBinding = ({ group, version, resource, subresource }: RequestInfo): boolean =>
  resource === 'bindings' && group === '' && version === 'v1' && subresource === ''

/** POST to bindings: the body names the pod. */
export async function bindNamed(context: ApiContext, request: ApiRequest): Promise<void> {
  const { info } = request
  if (info.verb !== 'create' || info.name !== '') throw methodNotAllowed('', 'bindings', info.verb)
  if (info.namespace === '') throw unknownPath()
  const pods = context.resources.find('', 'v1', 'pods')!
  const binding = await readBinding({ ...request, resource: pods })
  const name = binding.metadata?.name ?? ''
  if (binding.metadata?.namespace && binding.metadata.namespace !== info.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  if (name === '') throw badRequest('name must be provided')
  const bound = { ...info, resource: 'pods', subresource: 'binding', name, pathName: name }
  await store(context, { ...request, info: bound, resource: pods }, binding)
}

export async function bind(context: ApiContext, request: ResourceRequest): Promise<void> {
  await store(context, request, await readBinding(request))
}

const readBinding = (request: ResourceRequest): Promise<Binding> =>
  readBodyObject<Binding>(request, '', 'v1', 'Binding', 'Binding')

async function store(context: ApiContext, request: ResourceRequest, binding: Binding): Promise<void> {
  const { info } = request
  const options = readWriteOptions(request, 'CreateOptions')
  if (binding.metadata?.name && binding.metadata.name !== info.name)
    throw badRequest(`the name of the object (${binding.metadata.name}) does not match the name on the URL (${info.name})`)
  validate(binding, info.name)
  const attributes = {
    ...admissionAttributes(request, 'CREATE', options.dryRun, binding as KubeObject, undefined),
    kind: 'Binding',
    name: info.name,
  }
  const admission = createAdmission(context, attributes)
  await admission.admit()
  await admission.validate()
  const time = toSeconds(context.now())
  await mutateStored(context, request, options, keyOfRequest(request), (object) => assign(object as Pod, binding, time))
  await sendKind(request, 201, successStatus(undefined, 201))
}

function validate({ target }: Binding, name: string): void {
  const errors = [
    ...(target.kind && target.kind !== 'Node' ? [invalidField('target.kind', target.kind, 'must be empty or "Node"')] : []),
    ...(target.name ? [] : [required('target.name')]),
  ]
  if (errors.length > 0) throw invalid('', 'Binding', name, errors)
}

/** In place. Throws 409 as upstream does when the pod is not to be had. */
function assign(pod: Pod, { metadata, target }: Binding, time: string): void {
  const { name } = pod.metadata
  const refuse = (why: string) => conflict('', 'pods/binding', name, why)
  if (metadata?.uid && metadata.uid !== pod.metadata.uid)
    throw refuse(`Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`)
  const { resourceVersion } = metadata ?? {}
  if (resourceVersion && resourceVersion !== '0' && resourceVersion !== pod.metadata.resourceVersion)
    throw refuse(
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion}`,
    )
  if (pod.metadata.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`)
  if (pod.spec!.nodeName) throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec!.nodeName)}`)
  if ((pod.spec!.schedulingGates?.length ?? 0) > 0) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`)
  pod.spec!.nodeName = target.name!
  if (metadata?.annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...metadata.annotations }
  if (metadata?.labels) pod.metadata.labels = { ...pod.metadata.labels, ...metadata.labels }
  const conditions = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: undefined, lastTransitionTime: time }
  pod.status = { ...pod.status, conditions: [...conditions, scheduled] }
}
