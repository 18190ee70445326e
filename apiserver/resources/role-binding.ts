/** RoleBinding and ClusterRoleBinding: who has a role. */
import { invalid, notSupported, required } from '../../api/field-error.ts'
import type { ClusterRoleBinding, RbacSubject, RoleBinding, RoleRef } from '../../api/generated/types.ts'
import { isDNS1123Subdomain, isPathSegment } from '../../api/names.ts'
import { AGE, NAME, text, wide } from './columns.ts'
import { check, checkRequired, type Errors } from './rules/field-rules.ts'
import { isUrlSegment } from './rules/names.ts'
import type { Column, ResourceBehaviour } from './resource.ts'
import { sameJson } from './rules/same-json.ts'

const GROUP = 'rbac.authorization.k8s.io'
const ROLE_REF = 'cannot change roleRef'

type Binding = RoleBinding | ClusterRoleBinding

export const roleBinding: ResourceBehaviour<RoleBinding> = {
  validateName: isUrlSegment,
  setDefaults: setBindingDefaults,
  validate: (binding) => validateBinding(binding, true),
  validateUpdate: sameRole,
  columns: bindingColumns(),
  createOnUpdate: true,
}

export const clusterRoleBinding: ResourceBehaviour<ClusterRoleBinding> = {
  validateName: isUrlSegment,
  setDefaults: setBindingDefaults,
  validate: (binding) => validateBinding(binding, false),
  validateUpdate: sameRole,
  columns: bindingColumns(),
  createOnUpdate: true,
}

function setBindingDefaults({ roleRef, subjects }: Binding): void {
  if (roleRef) roleRef.apiGroup ||= GROUP
  for (const subject of subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= GROUP
  }
}

function sameRole(binding: Binding, old: Binding): Errors {
  return sameJson(binding.roleRef, old.roleRef) ? [] : [invalid('roleRef', binding.roleRef, ROLE_REF)]
}

function validateBinding({ roleRef = {} as RoleRef, subjects }: Binding, namespaced: boolean): Errors {
  const errors: Errors = []
  if (roleRef.apiGroup !== GROUP) errors.push(notSupported('roleRef.apiGroup', roleRef.apiGroup ?? '', [GROUP]))
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (!kinds.includes(roleRef.kind)) errors.push(notSupported('roleRef.kind', roleRef.kind ?? '', kinds))
  if (checkRequired(errors, 'roleRef.name', roleRef.name))
    check(errors, 'roleRef.name', roleRef.name, isPathSegment(roleRef.name))
  subjects?.forEach((subject, i) => validateSubject(errors, `subjects[${i}]`, subject, namespaced))
  return errors
}

function validateSubject(errors: Errors, path: string, subject: RbacSubject, namespaced: boolean): void {
  const { kind, name, namespace, apiGroup = '' } = subject
  checkRequired(errors, `${path}.name`, name)
  switch (kind) {
    case 'ServiceAccount':
      if (name) check(errors, `${path}.name`, name, isDNS1123Subdomain(name))
      if (apiGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, ['']))
      // In a role binding, an empty one means that of the binding.
      if (!namespaced && !namespace) errors.push(required(`${path}.namespace`))
      break
    case 'User':
    case 'Group':
      if (apiGroup !== GROUP) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [GROUP]))
      break
    default:
      errors.push(notSupported(`${path}.kind`, kind ?? '', ['ServiceAccount', 'User', 'Group']))
  }
}

function bindingColumns(): Column<Binding>[] {
  const names = (kind: string, nameOf: (subject: RbacSubject) => string) => (binding: Binding) =>
    (binding.subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(nameOf)
      .join(', ')
  return [
    NAME,
    text('Role', 'The role that is bound.', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
    AGE,
    wide(
      text(
        'Users',
        'Users in the roleBinding',
        names('User', ({ name }) => name),
      ),
    ),
    wide(
      text(
        'Groups',
        'Groups in the roleBinding',
        names('Group', ({ name }) => name),
      ),
    ),
    wide(
      text(
        'ServiceAccounts',
        'ServiceAccounts in the roleBinding',
        names('ServiceAccount', ({ name, namespace }) => (namespace ? `${namespace}/${name}` : name)),
      ),
    ),
  ]
}
