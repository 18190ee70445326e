import { expect, test } from 'vitest'
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../api/generated/types.ts'
import { acceptNames, statusWithNames, takenBy } from './accept-names.ts'

const names: CustomResourceDefinitionNames = {
  plural: 'widgets',
  singular: 'widget',
  kind: 'Widget',
  listKind: 'WidgetList',
  shortNames: ['wd'],
}
const others = takenBy([{ plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList', shortNames: ['gd'] }])

test.each<[Partial<CustomResourceDefinitionNames>, string | undefined, string | undefined]>([
  [{}, undefined, undefined],
  [{ plural: 'gadgets' }, 'PluralConflict', '"gadgets" is already in use'],
  [{ singular: 'gd' }, 'SingularConflict', '"gd" is already in use'],
  [{ shortNames: ['gadget', 'w', 'gd'] }, 'ShortNamesConflict', '["gadget" is already in use, "gd" is already in use]'],
  [{ kind: 'Gadget' }, 'KindConflict', '"Gadget" is already in use'],
  [{ listKind: 'GadgetList' }, 'ListKindConflict', '"GadgetList" is already in use'],
])('of names with %j: %s', (changed, reason, message) => {
  const { conflict } = acceptNames({ ...names, ...changed }, {}, others)
  expect(conflict?.reason).toBe(reason)
  expect(conflict?.message).toBe(message)
})

test('what cannot be had stays as it was, all else is taken', () => {
  const { names: accepted } = acceptNames({ ...names, kind: 'Gadget', shortNames: ['new'] }, names, others)
  expect(accepted).toEqual({ ...names, shortNames: ['new'] })
})

test('one who has names keeps them, whoever else asks for them', () => {
  expect(acceptNames(names, names, takenBy([names])).conflict).toBeUndefined()
})

const definition = (status?: CustomResourceDefinition['status']) =>
  ({
    spec: { names, versions: [{ name: 'v1', storage: true, served: true }] },
    ...(status && { status }),
  }) as CustomResourceDefinition
const conditionsOf = (status: CustomResourceDefinition['status']) =>
  status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)

test('accepted names establish a definition, and a conflict later does not undo that', () => {
  const first = statusWithNames(definition(), { names, conflict: undefined }, 't1')
  expect(conditionsOf(first)).toEqual(['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted'])
  expect(first.storedVersions).toEqual(['v1'])
  const conflict = { reason: 'KindConflict', message: 'x' }
  const later = statusWithNames(definition(first), { names, conflict }, 't2')
  expect(conditionsOf(later)).toEqual(['NamesAccepted=False KindConflict', 'Established=True InitialNamesAccepted'])
  expect(later.conditions!.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(['t2', 't1'])
})

test('a conflict at the start leaves it unestablished', () => {
  const status = statusWithNames(definition(), { names, conflict: { reason: 'KindConflict', message: 'x' } }, 't')
  expect(conditionsOf(status)).toEqual(['NamesAccepted=False KindConflict', 'Established=False NotAccepted'])
})

test('a status that is right is answered as it is', () => {
  const status = statusWithNames(definition(), { names, conflict: undefined }, 't1')
  expect(statusWithNames(definition(status), { names, conflict: undefined }, 't2')).toBe(status)
})
