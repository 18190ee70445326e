/** Server-side apply: merges the client's configuration into the object, which it makes when there is none. */
import { invalid as invalidField, required } from '../../api/field-error.ts'
import type { JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/object.ts'
import { applyPatch } from '../../api/patch/apply.ts'
import { badRequest, invalid } from '../../api/status.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { authorizeCreate } from '../auth/authorization/authorize-create.ts'
import { createObject } from '../writes/create-object.ts'
import { decodeConfiguration } from '../bodies/decode-configuration.ts'
import { isRecord } from '../bodies/decode-object.ts'
import { mergeTypeOf } from '../writes/field-managers.ts'
import { parseBody } from '../bodies/read-body.ts'
import { sendStored } from '../answers/send-stored.ts'
import { readFromStorage } from '../storage-version.ts'
import { updateObject } from '../writes/update-object.ts'
import type { WriteOptions } from '../writes/write-options.ts'

export async function apply(context: ApiContext, request: ResourceRequest, options: WriteOptions, body: Buffer): Promise<void> {
  const { info, resource } = request
  const manager = info.query.get('fieldManager')
  if (!manager) throw invalid('meta.k8s.io', 'PatchOptions', '', [required('fieldManager', 'is required for apply patch')])
  // JSON is YAML, and parses in a tenth of the time.
  const sent = await parseBody(body, body[0] === 123 ? 'json' : 'yaml', 'error decoding YAML')
  if (!isRecord(sent)) throw badRequest('error decoding YAML: the configuration is no object')
  const config = decodeConfiguration(request, sent)
  checkConfiguration(request, config)
  const force = info.query.get('force')
  const merge = (live: KubeObject | undefined): KubeObject =>
    applyPatch({
      live: live as unknown as JsonObject | undefined,
      config: config as unknown as JsonObject,
      manager,
      force: force !== null && force !== 'false' && force !== '0',
      type: mergeTypeOf(request),
      now: context.now(),
      subresource: info.subresource,
      resetFields: resource.definition.hasStatus ? [info.subresource === 'status' ? 'spec' : 'status'] : [],
    }) as unknown as KubeObject

  let created = false
  const stored = await updateObject(context, request, options, {
    compute: async (current) => merge(await readFromStorage(resource, JSON.parse(current.bytes.toString()) as KubeObject)),
    tracked: true,
    ...(!info.subresource && {
      createInstead: async () => {
        authorizeCreate(context, request)
        created = true
        return createObject(context, request, structuredClone(merge(undefined)), options, true)
      },
    }),
  })
  await sendStored(context, request, created ? 201 : 200, stored)
}

function checkConfiguration({ info, resource }: ResourceRequest, { metadata }: KubeObject): void {
  const { names } = resource.definition
  if (metadata.managedFields && metadata.managedFields.length > 0) throw badRequest('metadata.managedFields must be nil')
  metadata.name ??= info.name
  if (names.namespaced) metadata.namespace ??= info.namespace
  if (metadata.name !== info.name)
    throw invalid(names.group, names.kind, info.name, [
      invalidField('metadata.name', metadata.name, 'must match the name of the request'),
    ])
}
