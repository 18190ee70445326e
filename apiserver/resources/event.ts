/** Event: one set of stored objects, served as core/v1 and as events.k8s.io/v1. */
import { ageOf } from '../../api/duration.ts'
import { invalid, required } from '../../api/field-error.ts'
import type { CoreEvent, EventsEvent, ObjectReference } from '../../api/generated/types.ts'
import { isQualifiedName } from '../../api/names.ts'
import type { KubeObject } from '../../api/object.ts'
import { NAME, text, wide } from './columns.ts'
import { check, type Errors } from './rules/field-rules.ts'
import type { Column, ResourceBehaviour } from './resource.ts'

/** Upstream's default of --event-ttl. */
const TTL_SECONDS = 3600
const NO_OLD_TIMES = 'needs to be unset'
const TEXT_LIMIT = 128
const NOTE_LIMIT = 1024

export const event: ResourceBehaviour<CoreEvent> = {
  setDefaults: (event) => {
    event.source ??= {}
    event.involvedObject ??= {} as ObjectReference
    event.reportingComponent ??= ''
    event.reportingInstance ??= ''
  },
  validate: (event) => {
    const errors: Errors = []
    validateNamespaces(errors, event)
    // Events of the new kind name when they happened; the rest came before the rules.
    if (event.eventTime) validateNewEvent(errors, event)
    return errors
  },
  columns: eventColumns(),
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || reportingComponent || '',
    type: ({ type }) => type ?? '',
  },
  createOnUpdate: true,
  ttlSeconds: TTL_SECONDS,
}

function validateNamespaces(errors: Errors, { metadata, involvedObject }: CoreEvent): void {
  const about = involvedObject.namespace ?? ''
  // Events of cluster-scoped objects live in `default`.
  const fits = about ? metadata.namespace === about : metadata.namespace === 'default' || !metadata.namespace
  if (!fits) errors.push(invalid('involvedObject.namespace', about, 'does not match event.namespace'))
}

function validateNewEvent(errors: Errors, event: CoreEvent): void {
  if (!event.reportingComponent) errors.push(required('reportingController'))
  check(errors, 'reportingController', event.reportingComponent, isQualifiedName(event.reportingComponent ?? ''))
  validateText(errors, 'reportingInstance', event.reportingInstance)
  validateText(errors, 'action', event.action)
  validateText(errors, 'reason', event.reason)
  if ((event.message ?? '').length > NOTE_LIMIT) {
    errors.push(invalid('message', event.message, `can have at most ${NOTE_LIMIT} characters`))
  }
}

function validateText(errors: Errors, path: string, value: string | undefined): void {
  if (!value) errors.push(required(path))
  else if (value.length > TEXT_LIMIT) errors.push(invalid(path, value, `can have at most ${TEXT_LIMIT} characters`))
}

function firstSeen({ firstTimestamp, eventTime }: CoreEvent, now: Date): string {
  return ageOf(firstTimestamp || eventTime, now)
}

function lastSeen(event: CoreEvent, now: Date): string {
  if (event.series) return ageOf(event.series.lastObservedTime, now)
  return event.lastTimestamp ? ageOf(event.lastTimestamp, now) : firstSeen(event, now)
}

/** A series counts what came after the event that started it. */
function countOf({ series, count }: CoreEvent): number {
  return series ? (series.count ?? 0) + 1 : count || 1
}

function targetOf({ involvedObject: { kind = '', name } }: CoreEvent): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

function sourceOf({ source, reportingComponent, reportingInstance }: CoreEvent): string {
  const component = source?.component || reportingComponent || ''
  const instance = source?.host || reportingInstance
  return instance ? `${component}, ${instance}` : component
}

function eventColumns(): Column<CoreEvent>[] {
  return [
    text('Last Seen', 'When the event was seen last.', lastSeen),
    text('Type', 'Normal or Warning.', ({ type }) => type ?? ''),
    text('Reason', 'Why, in one word.', ({ reason }) => reason ?? ''),
    text('Object', 'The object that the event is about.', targetOf),
    wide(text('Subobject', 'The part of the object.', ({ involvedObject }) => involvedObject.fieldPath ?? '')),
    wide(text('Source', 'The component that reports it.', sourceOf)),
    text('Message', 'What happened.', ({ message }) => (message ?? '').trim()),
    wide(text('First Seen', 'When the event was seen first.', firstSeen)),
    wide(text('Count', 'How often it was seen.', countOf)),
    wide(NAME),
  ]
}

/** The fields of events.k8s.io by the names that core's selectors know. */
const EVENT_FIELD_ALIASES: Readonly<Record<string, string>> = {
  'regarding.kind': 'involvedObject.kind',
  'regarding.namespace': 'involvedObject.namespace',
  'regarding.name': 'involvedObject.name',
  'regarding.uid': 'involvedObject.uid',
  'regarding.apiVersion': 'involvedObject.apiVersion',
  'regarding.resourceVersion': 'involvedObject.resourceVersion',
  'regarding.fieldPath': 'involvedObject.fieldPath',
  reportingController: 'reportingComponent',
}

/** events.k8s.io/v1 to the stored form. */
export function toCoreEvent(object: KubeObject): KubeObject {
  const event = object as EventsEvent
  const {
    regarding,
    note,
    deprecatedCount,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedSource,
    reportingController,
    ...same
  } = event
  return prune<CoreEvent>({
    ...same,
    apiVersion: 'v1',
    involvedObject: regarding ?? ({} as ObjectReference),
    message: note,
    count: deprecatedCount,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    source: deprecatedSource,
    reportingComponent: reportingController,
  })
}

/** The stored form to events.k8s.io/v1. */
export function fromCoreEvent(object: KubeObject): KubeObject {
  const {
    involvedObject,
    message,
    count,
    firstTimestamp,
    lastTimestamp,
    source,
    reportingComponent,
    series,
    eventTime,
    ...same
  } = object as CoreEvent
  return prune<EventsEvent>({
    ...same,
    apiVersion: 'events.k8s.io/v1',
    // Required there, and null for events of the old kind.
    eventTime: (eventTime ?? null) as string,
    regarding: involvedObject,
    note: message,
    deprecatedCount: count,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedSource: source,
    reportingController: reportingComponent,
    ...(series && { series: { count: series.count ?? 0, lastObservedTime: series.lastObservedTime ?? '' } }),
  })
}

function prune<T extends object>(object: T): T {
  for (const member in object) if (object[member] === undefined) delete object[member]
  return object
}

/** What the newer API asks for besides: its events are all of the new kind. */
export const eventOfNewApi: ResourceBehaviour<CoreEvent> = {
  ...event,
  validate: (event) => {
    const errors: Errors = []
    validateNamespaces(errors, event)
    if (!event.eventTime) errors.push(required('eventTime'))
    validateNewEvent(errors, event)
    if (event.type !== 'Normal' && event.type !== 'Warning')
      errors.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`))
    for (const member of ['firstTimestamp', 'lastTimestamp', 'count'] as const) {
      if (event[member]) errors.push(invalid(member, '', NO_OLD_TIMES))
    }
    if (event.source?.component || event.source?.host) errors.push(invalid('source', '', NO_OLD_TIMES))
    return errors
  },
  fieldAliases: EVENT_FIELD_ALIASES,
}
