/** The rules of metadata that every kind shares, on its own and between an object and its next version. */
import { forbidden, invalid, required, tooLong } from '../../../api/field-error.ts'
import type { ObjectMeta, OwnerReference } from '../../../api/generated/types.ts'
import {
  annotationsSize,
  isDNS1123Label,
  isQualifiedName,
  isValidLabelValue,
  TOTAL_ANNOTATIONS_SIZE,
} from '../../../api/names.ts'
import { check, checkImmutable, checkRequired, type Errors, NOT_NEGATIVE } from './field-rules.ts'

type NameRule = (name: string, prefix: boolean) => string | null

export interface MetadataRules {
  namespaced: boolean
  validateName: NameRule
  /** Finalizers without a domain are left to the server's own kinds: upstream asks no such thing of custom resources. */
  qualifiedFinalizers: boolean
}

export function validateObjectMeta(
  metadata: ObjectMeta,
  { namespaced, validateName, qualifiedFinalizers }: MetadataRules,
): Errors {
  const path = 'metadata'
  const errors: Errors = []
  validateNames(errors, metadata, validateName, path)
  if (namespaced) {
    if (checkRequired(errors, `${path}.namespace`, metadata.namespace)) {
      check(errors, `${path}.namespace`, metadata.namespace, isDNS1123Label(metadata.namespace!))
    }
  } else if (metadata.namespace) {
    errors.push(forbidden(`${path}.namespace`, 'not allowed on this type'))
  }
  if ((metadata.generation ?? 0) < 0) errors.push(invalid(`${path}.generation`, metadata.generation, NOT_NEGATIVE))
  validateLabels(errors, `${path}.labels`, metadata.labels)
  validateAnnotations(errors, `${path}.annotations`, metadata.annotations)
  if (metadata.ownerReferences) validateOwnerReferences(errors, `${path}.ownerReferences`, metadata.ownerReferences)
  if (metadata.finalizers) validateFinalizers(errors, `${path}.finalizers`, metadata.finalizers, qualifiedFinalizers)
  return errors
}

function validateNames(errors: Errors, metadata: ObjectMeta, nameRule: NameRule, path: string): void {
  if (metadata.generateName) {
    const complaint = nameRule(metadata.generateName, true)
    if (complaint) errors.push(invalid(`${path}.generateName`, metadata.generateName, complaint))
  }
  if (!metadata.name) {
    errors.push(required(`${path}.name`, 'name or generateName is required'))
    return
  }
  const complaint = nameRule(metadata.name, false)
  if (complaint) errors.push(invalid(`${path}.name`, metadata.name, complaint))
}

export function validateLabels(errors: Errors, path: string, labels: Record<string, string> | undefined): void {
  for (const key in labels) {
    check(errors, path, key, isQualifiedName(key))
    check(errors, path, labels[key], isValidLabelValue(labels[key]!))
  }
}

export function validateAnnotations(errors: Errors, path: string, annotations: Record<string, string> | undefined): void {
  if (!annotations) return
  // Upper case is fine here, unlike in labels.
  for (const key in annotations) check(errors, path, key, isQualifiedName(key.toLowerCase()))
  if (annotationsSize(annotations) > TOTAL_ANNOTATIONS_SIZE) errors.push(tooLong(path, TOTAL_ANNOTATIONS_SIZE))
}

function validateOwnerReferences(errors: Errors, path: string, references: readonly OwnerReference[]): void {
  let controller: OwnerReference | undefined
  for (const reference of references) {
    for (const member of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if (reference[member]) continue
      const why = member === 'apiVersion' ? 'version must not be empty' : 'must not be empty'
      errors.push(invalid(`${path}.${member}`, reference[member] ?? '', why))
    }
    if (reference.apiVersion === 'v1' && reference.kind === 'Event') {
      errors.push(invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'))
    }
    if (!reference.controller) continue
    if (controller) errors.push(invalid(path, references, twoControllers(controller, reference)))
    else controller = reference
  }
}

const twoControllers = (first: OwnerReference, second: OwnerReference) =>
  `Only one reference can have Controller set to true. Found "true" in references for ${first.name} and ${second.name}`

const STANDARD_FINALIZERS = ['kubernetes', 'foregroundDeletion', 'orphan']

function validateFinalizers(errors: Errors, path: string, finalizers: readonly string[], qualified: boolean): void {
  finalizers.forEach((finalizer, i) => {
    if (qualified) validateFinalizerName(errors, `${path}[${i}]`, finalizer)
    else check(errors, path, finalizer, isQualifiedName(finalizer))
  })
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
}

export function validateFinalizerName(errors: Errors, path: string, finalizer: string): void {
  check(errors, path, finalizer, isQualifiedName(finalizer))
  if (!finalizer.includes('/') && !STANDARD_FINALIZERS.includes(finalizer)) {
    errors.push(invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
  }
}

/** What may not change from one version to the next. The API server has put the old creationTimestamp and uid where they were left out. */
export function validateObjectMetaUpdate(metadata: ObjectMeta, old: ObjectMeta): Errors {
  const errors: Errors = []
  if (old.deletionTimestamp && metadata.finalizers) {
    const added = metadata.finalizers.filter((finalizer) => !old.finalizers?.includes(finalizer))
    if (added.length > 0) {
      const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ')
      errors.push(
        forbidden(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
        ),
      )
    }
  }
  if ((metadata.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid('metadata.generation', metadata.generation ?? 0, 'must not be decremented'))
  }
  checkImmutable(errors, 'metadata.name', metadata.name, old.name)
  checkImmutable(errors, 'metadata.namespace', metadata.namespace, old.namespace)
  checkImmutable(errors, 'metadata.uid', metadata.uid, old.uid)
  checkImmutable(errors, 'metadata.creationTimestamp', metadata.creationTimestamp, old.creationTimestamp)
  checkImmutable(errors, 'metadata.deletionTimestamp', metadata.deletionTimestamp, old.deletionTimestamp)
  checkImmutable(
    errors,
    'metadata.deletionGracePeriodSeconds',
    metadata.deletionGracePeriodSeconds,
    old.deletionGracePeriodSeconds,
  )
  return errors
}
