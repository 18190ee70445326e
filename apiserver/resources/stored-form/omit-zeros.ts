/**
 * Leaves out what Go leaves out when it writes an object: zero values of members that are no pointers and may be absent.
 *
 * A client written in Go reads `readOnly: false` and sends the object back without it. Stored as it was, that would be a change
 * of an immutable field; and every other reader would see members that upstream never shows.
 */
import { modelOf, hasModel } from '../../../api/schema/models.ts'
import { fieldsOf, isKnownMessage, messageName, type Field } from '../../protobuf/message-fields.ts'

type Members = Record<string, unknown>
type Omit = (object: Members) => void

/** Their own rules, or data of users. */
const CLOSED = new Set(['meta.ObjectMeta', 'meta.FieldsV1', 'runtime.RawExtension'])

/**
 * Lists that are optional in the schema and written all the same, by the message that has them. Texts and numbers of that kind are
 * left out: a client in Go sends back the zero that it read nothing of, and that must be no change.
 */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  'apiextensions.CustomResourceDefinitionStatus': ['conditions', 'storedVersions'],
  'autoscaling/v2.HorizontalPodAutoscalerStatus': ['currentMetrics'],
  'core.ContainerImage': ['names'],
  'core.ProjectedVolumeSource': ['sources'],
  'discovery.EndpointSlice': ['endpoints', 'ports'],
  'flowcontrol.ResourcePolicyRule': ['namespaces'],
  'rbac.ClusterRole': ['rules'],
  'rbac.Role': ['rules'],
  'resource.AllocatedDeviceStatus': ['conditions'],
  'resource.DeviceClaim': ['requests'],
  'storage.CSINodeDriver': ['topologyKeys'],
}

const compiled = new Map<string, Omit | undefined>()

/** For objects of a kind in a version; undefined where its Go types are not known. */
export function omitZerosOf(apiVersion: string, kind: string, model: string): Omit | undefined {
  const message = messageName(apiVersion, kind)
  return message === undefined ? undefined : omitOf(message, model, false)
}

/** Of a status only lists and maps are left out: its numbers are what controllers say, and zero is a number. */
function omitOf(message: string, model: string, inStatus: boolean): Omit | undefined {
  if (CLOSED.has(message) || !isKnownMessage(message) || !hasModel(model)) return undefined
  const key = `${message} ${model} ${inStatus}`
  if (compiled.has(key)) return compiled.get(key)
  // A message that contains itself finds this one, which is made when the first object comes.
  let omit: Omit | undefined
  compiled.set(key, (object) => omit?.(object))
  omit = compile(message, model, inStatus)
  compiled.set(key, omit)
  return omit
}

interface Rule {
  omitsZero: boolean
  visit: ((value: unknown) => void) | undefined
}

function compile(message: string, model: string, inStatus: boolean): Omit | undefined {
  const { required, fields: schemas } = modelOf(model)
  const rules = new Map<string, Rule>()
  for (const field of flatFields(message)) {
    const schema = schemas[field.name]
    // Metadata has rules of its own.
    if (!schema || field.name === 'metadata') continue
    const leaf = field.type.length === 1
    const isOptional = !required.includes(field.name) && field.mark !== '?' && !WRITTEN[message]?.includes(field.name)
    const omitsZero = isOptional && (field.mark !== '' || (leaf && !inStatus))
    const ref = schema.ref ?? schema.items?.ref ?? schema.values?.ref
    const inner = leaf || ref === undefined ? undefined : omitOf(field.type, ref, inStatus || field.name === 'status')
    const visit = SCHEMAS.has(field.type)
      ? visitSchemas(field.mark === '%')
      : inner && (field.mark === '*' ? each(inner) : field.mark === '%' ? eachValue(inner) : one(inner))
    if (visit || omitsZero) rules.set(field.name, { omitsZero, visit })
  }
  if (rules.size === 0) return undefined
  // An object has few members, its type may have dozens.
  return (object) => {
    for (const name in object) {
      const rule = rules.get(name)
      if (!rule) continue
      const value = object[name]
      if (rule.omitsZero && isZero(value)) delete object[name]
      else if (value !== undefined && value !== null) rule.visit?.(value)
    }
  }
}

/** A schema, several of them, or something else: the model calls it anything. */
const SCHEMAS = new Set(['Array', 'Bool', 'StringArray'].map((other) => `apiextensions.JSONSchemaPropsOr${other}`))

const visitSchemas = (isMap: boolean) => {
  const omit = omitOf('apiextensions.JSONSchemaProps', 'JSONSchemaProps', false)!
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (typeof value === 'object' && value !== null) omit(value as Members)
  }
  return isMap ? (map: unknown) => Object.values(map as Members).forEach(visit) : visit
}

/** Members of an inlined message are members of the one that it is in. */
const flatFields = (message: string): Field[] =>
  fieldsOf(message).flatMap((field) => (field.mark === '~' ? flatFields(field.type) : [field]))

const one = (omit: Omit) => omit as (value: unknown) => void
const each = (omit: Omit) => (value: unknown) => (value as Members[]).forEach(omit)
const eachValue = (omit: Omit) => (value: unknown) => Object.values(value as Record<string, Members>).forEach(omit)

function isZero(value: unknown): boolean {
  if (value === false || value === 0 || value === '' || value === null) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}
