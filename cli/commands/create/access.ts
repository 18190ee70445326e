/** `kubelab create role`, `clusterrole`, `rolebinding` and `clusterrolebinding`. */
import type { Command } from 'commander'
import type { Json, JsonObject } from '../../../api/json.ts'
import { collect, collectList } from '../../arguments/collect.ts'
import { CliError } from '../../errors.ts'
import type { KubeJson } from '../../arguments/manifests.ts'
import type { Session } from '../../session.ts'
import { type AddGenerator, defineGenerator, newObject } from './generator.ts'

const RBAC = 'rbac.authorization.k8s.io'
const API_VERSION = `${RBAC}/v1`

interface RoleOptions {
  verb?: string[]
  resource?: string[]
  resourceName?: string[]
}

interface ClusterRoleOptions extends RoleOptions {
  nonResourceUrl?: string[]
  aggregationRule?: string
}

const withRules = (command: Command): Command =>
  command
    .option('--verb <verbs>', 'what may be done: get,list', collectList)
    .option('--resource <resources>', 'to what: pods,deployments.apps,pods/log', collectList)
    .option('--resource-name <name>', 'only to these; may be repeated', collect)

export const createRole: AddGenerator = defineGenerator<RoleOptions>({
  usage: 'role <name>',
  description: 'A role: create role reader --verb=get,list --resource=pods',
  options: withRules,
  build: async (name, options, _, session) => ({
    ...newObject(API_VERSION, 'Role', name),
    rules: await resourceRules(session, checkRole(options)),
  }),
})

function checkRole(options: RoleOptions): RoleOptions {
  if (!options.verb?.length) throw new CliError('at least one verb must be specified')
  if (!options.resource?.length) throw new CliError('at least one resource must be specified')
  return options
}

export const createClusterRole: AddGenerator = defineGenerator<ClusterRoleOptions>({
  usage: 'clusterrole <name>',
  description: 'A role for the whole cluster: create clusterrole reader --verb=get,list --resource=nodes',
  options: (command) =>
    withRules(command)
      .option('--non-resource-url <path>', 'paths that are no resources: /healthz', collectList)
      .option('--aggregation-rule <labels>', 'made of all cluster roles with these labels'),
  build: async (name, options, _, session) => {
    const role = newObject(API_VERSION, 'ClusterRole', name)
    if (options.aggregationRule) return { ...role, aggregationRule: aggregationOf(options), rules: null }
    checkClusterRole(options)
    const urls = options.nonResourceUrl ?? []
    return {
      ...role,
      rules: [
        ...(options.resource?.length ? await resourceRules(session, options) : []),
        ...(urls.length > 0 ? [{ nonResourceURLs: urls, verbs: unique(options.verb!) }] : []),
      ],
    }
  },
})

function aggregationOf({ aggregationRule, verb, resource, resourceName, nonResourceUrl }: ClusterRoleOptions): JsonObject {
  if (verb ?? resource ?? resourceName ?? nonResourceUrl)
    throw new CliError('aggregation rule must be specified without verbs, resources, resource names or non-resource URLs')
  const pairs = aggregationRule!.split(',').map((pair) => pair.split('=', 2) as [string, string])
  return { clusterRoleSelectors: [{ matchLabels: Object.fromEntries(pairs) }] }
}

function checkClusterRole({ verb, resource, resourceName, nonResourceUrl }: ClusterRoleOptions): void {
  if (!verb?.length) throw new CliError('at least one verb must be specified')
  if (!resource?.length && !nonResourceUrl?.length) throw new CliError('one of resource or nonResourceURL must be specified')
  if (resourceName?.length && nonResourceUrl?.length) throw new CliError('invalid verb and resource names')
}

const STANDARD_VERBS = new Set([
  ...['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', 'bind', 'impersonate'],
  ...['proxy', 'approve', 'sign', 'escalate', '*'],
])

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]

/** A rule a group, as the resources of one group stand together. */
async function resourceRules(session: Session, { verb = [], resource = [], resourceName = [] }: RoleOptions): Promise<Json[]> {
  const verbs = verb.includes('*') ? ['*'] : unique(verb)
  for (const each of verbs) if (!STANDARD_VERBS.has(each)) session.note(`Warning: '${each}' is not a standard resource verb`)
  const groups = new Map<string, Set<string>>()
  for (const text of resource) {
    const { group, plural, subresource } = await resolveResource(session, text)
    const known = groups.get(group) ?? new Set<string>()
    groups.set(group, known.add(subresource ? `${plural}/${subresource}` : plural))
  }
  return [...groups].map(([group, resources]) => ({
    apiGroups: [group],
    ...(resourceName.length > 0 && { resourceNames: resourceName }),
    resources: [...resources],
    verbs,
  }))
}

async function resolveResource(session: Session, text: string): Promise<{ group: string; plural: string; subresource: string }> {
  const [name = '', subresource = ''] = text.split('/', 2)
  if (name === '*') return { group: '*', plural: '*', subresource }
  const { group, plural } = await session.types.find(name)
  return { group, plural, subresource }
}

interface SubjectOptions {
  user?: string[]
  group?: string[]
  serviceaccount?: string[]
}

interface BindingOptions extends SubjectOptions {
  role?: string
  clusterrole?: string
}

const withSubjects = (command: Command): Command =>
  command
    .option('--user <name>', 'a user; may be repeated', collectList)
    .option('--group <name>', 'a group; may be repeated', collectList)
    .option('--serviceaccount <namespace:name>', 'a service account; may be repeated', collectList)

export const createRoleBinding: AddGenerator = defineGenerator<BindingOptions>({
  usage: 'rolebinding <name>',
  description: 'Give a role to someone: create rolebinding jane --clusterrole=view --user=jane',
  options: (command) =>
    withSubjects(command)
      .option('--role <name>', 'the role of this namespace')
      .option('--clusterrole <name>', 'the cluster role'),
  build: (name, options) => roleBindingOf(name, options),
})

export function roleBindingOf(name: string, { role, clusterrole, ...subjects }: BindingOptions): KubeJson {
  if (!role === !clusterrole) throw new CliError('exactly one of clusterrole or role must be specified')
  return {
    ...newObject(API_VERSION, 'RoleBinding', name),
    roleRef: { apiGroup: RBAC, kind: role ? 'Role' : 'ClusterRole', name: (role ?? clusterrole)! },
    ...subjectsOf(subjects),
  }
}

export const createClusterRoleBinding: AddGenerator = defineGenerator<BindingOptions>({
  usage: 'clusterrolebinding <name>',
  description: 'Give a cluster role to someone everywhere: create clusterrolebinding ops --clusterrole=admin --group=ops',
  options: (command) => withSubjects(command).option('--clusterrole <name>', 'the cluster role'),
  build: (name, { clusterrole, ...subjects }) => {
    if (!clusterrole) throw new CliError('required flag(s) "clusterrole" not set')
    return {
      ...newObject(API_VERSION, 'ClusterRoleBinding', name),
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: clusterrole },
      ...subjectsOf(subjects),
    }
  },
})

function subjectsOf({ user = [], group = [], serviceaccount = [] }: SubjectOptions): JsonObject {
  const subjects = [
    ...user.map((name): JsonObject => ({ apiGroup: RBAC, kind: 'User', name })),
    ...group.map((name): JsonObject => ({ apiGroup: RBAC, kind: 'Group', name })),
    ...serviceaccount.map((text): JsonObject => {
      const [namespace, name, ...more] = text.split(':')
      if (!namespace || !name || more.length > 0) throw new CliError('serviceaccount must be <namespace>:<name>')
      return { kind: 'ServiceAccount', name, namespace }
    }),
  ]
  return subjects.length > 0 ? { subjects } : {}
}
