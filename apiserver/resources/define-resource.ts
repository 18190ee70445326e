/** Completes a kind's behaviour into the definition the API server works with: names, models, metadata rules, spec apart from status. */
import { kindInfo, KINDS, type KindInfo, type KindName, type Kinds } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import { QuantityError } from '../../api/quantity.ts'
import { badRequest } from '../../api/status.ts'
import { modelsOf } from '../../api/schema/models.ts'
import { fillOf } from './stored-form/fill-required.ts'
import { isDnsSubdomain } from './rules/names.ts'
import { omitZerosOf } from './stored-form/omit-zeros.ts'
import { validateObjectMeta, validateObjectMetaUpdate } from './rules/object-meta.ts'
import { sameJson } from './rules/same-json.ts'
import type { ResourceBehaviour, ResourceDefinition, ResourceNames } from './resource.ts'

/** Any kind's members, as the generic rules see them. */
type Members = Record<string, unknown>

type Form = (object: Members) => void

export function defineResource<K extends KindName>(kind: K, behaviour: ResourceBehaviour<Kinds[K]> = {}): ResourceDefinition {
  const info = kindInfo(kind)
  const models = modelsOf(info)
  // A definition is only ever called with objects of its own kind: the registry finds it by that.
  return completeBehaviour(namesOf(info), models, behaviour as unknown as ResourceBehaviour<KubeObject>, models[info.versions[0]])
}

const namesOf = (info: KindInfo): ResourceNames => ({
  group: info.group,
  versions: info.versions,
  storageVersion: info.versions[0],
  kind: info.kind,
  listKind: `${info.kind}List`,
  plural: info.plural,
  singular: info.singular,
  shortNames: info.shortNames,
  categories: info.categories,
  namespaced: info.namespaced,
})

/** Groups of kinds that are the API server's own, whose finalizers it knows. */
const OWN_GROUPS = new Set(
  KINDS.map(({ group }) => group).filter((group) => !/^api(extensions|registration)\.k8s\.io$/.test(group)),
)

/** Also what custom resources and the second name of events are made with. */
export function completeBehaviour(
  names: ResourceNames,
  models: Record<string, string>,
  behaviour: ResourceBehaviour<KubeObject>,
  /** The model of the stored form, for built-in kinds. */
  storedModel?: string,
): ResourceDefinition {
  const form = storedModel === undefined ? undefined : formOf(names, storedModel)
  const validateName = behaviour.validateName ?? isDnsSubdomain
  const metadataRules = { namespaced: names.namespaced, validateName, qualifiedFinalizers: OWN_GROUPS.has(names.group) }
  return {
    ...behaviour,
    ...(behaviour.hasStatus && statusApart(behaviour)),
    names,
    models,
    validateName,
    ...((form ?? behaviour.setDefaults) && { setDefaults: withQuantityErrors(names, form, behaviour.setDefaults) }),
    validate: (object) => {
      const errors = validateObjectMeta(object.metadata, metadataRules)
      return behaviour.validate ? errors.concat(behaviour.validate(object)) : errors
    },
    validateUpdate: (object, old) => {
      const errors = validateObjectMetaUpdate(object.metadata, old.metadata)
      return behaviour.validateUpdate ? errors.concat(behaviour.validateUpdate(object, old)) : errors
    },
    validateStatusUpdate: (object, old) => {
      const errors = validateObjectMetaUpdate(object.metadata, old.metadata)
      return behaviour.validateStatusUpdate ? errors.concat(behaviour.validateStatusUpdate(object, old)) : errors
    },
  }
}

/** The form of Go's types: no zero value that they leave out, none missing that they write. */
function formOf({ group, storageGroup = group, storageVersion, kind }: ResourceNames, model: string): Form | undefined {
  const omit = omitZerosOf(storageGroup ? `${storageGroup}/${storageVersion}` : storageVersion, kind, model)
  const fill = fillOf(model)
  if (!omit || !fill) return omit ?? fill
  return (object) => {
    omit(object)
    fill(object)
  }
}

/** Quantities are made canonical where defaults are set; upstream refuses bad ones while it decodes. */
const withQuantityErrors =
  ({ kind }: ResourceNames, form: Form | undefined, setDefaults: ResourceBehaviour<KubeObject>['setDefaults']) =>
  (object: KubeObject): void => {
    try {
      form?.(object as unknown as Members)
      setDefaults?.(object)
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error
      const version = object.apiVersion.slice(object.apiVersion.indexOf('/') + 1)
      throw badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`)
    }
  }

/** A creator and the main resource cannot set status; /status can set nothing else. The kind's own steps come after. */
function statusApart(behaviour: ResourceBehaviour<KubeObject>): ResourceBehaviour<KubeObject> {
  return {
    prepareForCreate: (object) => {
      ;(object as unknown as Members).status = behaviour.newStatus?.(object) ?? {}
      behaviour.prepareForCreate?.(object)
    },
    prepareForUpdate: (object, old) => {
      copyMember('status', old, object)
      behaviour.prepareForUpdate?.(object, old)
    },
    prepareForStatusUpdate:
      behaviour.prepareForStatusUpdate ??
      ((object, old) => {
        keepAllButStatus(object, old)
        keepStatusMetadata(object, old)
      }),
  }
}

function keepAllButStatus(object: KubeObject, old: KubeObject): void {
  const [to, from] = [object as unknown as Members, old as unknown as Members]
  for (const member of new Set([...Object.keys(to), ...Object.keys(from)])) {
    if (member !== 'status' && member !== 'metadata' && member !== 'apiVersion' && member !== 'kind') {
      copyMember(member, from, to)
    }
  }
}

/** Deletion is asked for by DELETE alone. The rest of the metadata may be set with a status, as upstream lets it. */
const STATUS_KEEPS = ['deletionTimestamp', 'deletionGracePeriodSeconds']

function keepStatusMetadata(object: KubeObject, old: KubeObject): void {
  for (const member of STATUS_KEEPS) copyMember(member, old.metadata, object.metadata)
}

export function copyMember(member: string, from: object, to: object): void {
  const value = (from as Members)[member]
  if (value === undefined) delete (to as Members)[member]
  else (to as Members)[member] = value
}

/** The usual rule of metadata.generation: it counts changes of the spec. */
export const specChanges = (object: KubeObject, old: KubeObject): boolean =>
  !sameJson((object as unknown as Members).spec, (old as unknown as Members).spec)
