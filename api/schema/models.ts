/** The field schemas of every built-in model, as scripts/generate-api.ts wrote them. */
import generated from '../generated/schemas.json' with { type: 'json' }
import type { KindInfo } from '../kinds.ts'
import { olderModels } from './older-models.ts'

/** One field. `ref` names another model of the table. */
export interface FieldSchema {
  type: 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'any' | 'int-or-string' | 'ref'
  format?: string
  ref?: string
  items?: FieldSchema
  /** Value schema of a string-keyed map. */
  values?: FieldSchema
  description?: string
}

export interface ModelSchema {
  description?: string
  required: string[]
  fields: Record<string, FieldSchema>
}

const TODAY = generated as unknown as Readonly<Record<string, ModelSchema>>
const MODELS: Readonly<Record<string, ModelSchema>> = { ...TODAY, ...olderModels(TODAY) }

export const hasModel = (name: string): boolean => Object.hasOwn(MODELS, name)

/** Throws for a name that does not exist: model names come from our own tables, never from users. */
export function modelOf(name: string): ModelSchema {
  const model = hasModel(name) ? MODELS[name] : undefined
  if (!model) throw new Error(`Cannot find model ${name}: api/generated/schemas.json does not have it`)
  return model
}

export const modelNames = (): string[] => Object.keys(MODELS)

/** Where the name of a kind is not the name of its model. */
const SPECIAL: Readonly<Record<string, string>> = {
  '/Event': 'CoreEvent',
  'events.k8s.io/Event': 'EventsEvent',
  'resource.k8s.io/ResourceClaim': 'ResourceResourceClaim',
  'authentication.k8s.io/TokenRequest': 'AuthenticationTokenRequest',
}

/** `apps/v1 Deployment` is `Deployment`; `autoscaling/v2 HorizontalPodAutoscaler` is `V2HorizontalPodAutoscaler`. */
export function modelNameOf({ group, kind }: { group: string; kind: string }, version: string): string {
  const name = SPECIAL[`${group}/${kind}`] ?? kind
  return version === 'v1' ? name : `${version[0]!.toUpperCase()}${version.slice(1)}${kind}`
}

/** The `models` member of a resource definition: served version to model. */
export const modelsOf = (info: KindInfo): Record<string, string> =>
  Object.fromEntries(info.versions.map((version) => [version, modelNameOf(info, version)]))
