/** `kubelab set`: another image, environment or resources for the containers of workloads. */
import type { Command } from 'commander'
import type { JsonObject } from '../../api/json.ts'
import { collect } from '../arguments/collect.ts'
import type { CliCommand } from '../commands.ts'
import { dryRunOf, dryRunQuery, report, withWriteOptions, type WriteOptions } from '../writes/dry-run.ts'
import { CliError } from '../errors.ts'
import { findTargets, pathOfTarget, withFiles, type TargetOptions } from '../arguments/find-targets.ts'
import { parseReferences } from '../arguments/object-arguments.ts'
import {
  containersOf,
  environmentLine,
  type EnvironmentChange,
  parseEnvironment,
  parseResources,
  referencesTo,
  withEnvironment,
  withImages,
  withResources,
} from '../decisions/pod-changes.ts'
import { pathOf } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

type SetOptions = WriteOptions & TargetOptions & { containers: string }

const withTargets = (command: Command): Command =>
  withWriteOptions(withFiles(command))
    .option('-l, --selector <labels>', 'all objects with these labels')
    .option('--all', 'all objects of the type')

const withContainerOption = (command: Command): Command =>
  command.option('-c, --containers <name>', 'these containers; * stands for anything', '*')

export const set: CliCommand = (program, open) => {
  const group = program.command('set').description('Change one aspect of objects: set image, set env, set resources')
  setImage(group, open)
  setEnvironment(group, open)
  setResources(group, open)
}

const setImage: CliCommand = (group, open) => {
  withTargets(group.command('image <args...>'))
    .description('Give containers another image: set image deploy/web app=web:2')
    .action(async (args: string[], options: SetOptions) => {
      const images = new Map(args.filter((arg) => arg.includes('=')).map(splitImage))
      if (images.size === 0) throw new CliError('at least one image update is required')
      const objects = args.filter((arg) => !arg.includes('='))
      await changeAll(await open(), objects, options, 'image updated', (object) => withImages(object, images))
    })
}

function splitImage(arg: string): [string, string] {
  const equals = arg.indexOf('=')
  return [arg.slice(0, equals), arg.slice(equals + 1)]
}

interface EnvironmentOptions extends SetOptions {
  env?: string[]
  from?: string
  keys?: string
  prefix?: string
  list?: boolean
  overwrite: string
}

const setEnvironment: CliCommand = (group, open) => {
  withContainerOption(withTargets(group.command('env [args...]')))
    .description('Set variables of containers, or take them away: set env deploy/web LEVEL=debug OLD-')
    .option('-e, --env <variable>', 'one to set; may be repeated', collect)
    .option('--from <object>', 'the keys of a config map or secret: configmap/settings')
    .option('--keys <keys>', 'with --from: these keys alone')
    .option('--prefix <text>', 'before the name of each')
    .option('--list', 'show what they are, and would be; change nothing')
    .option('--overwrite [bool]', 'false: refuse to change what is set', 'true')
    .action(async (args: string[], options: EnvironmentOptions) => {
      const [objects, words] = splitVariables(args)
      if (objects.length === 0 && !options.filename)
        throw new CliError('one or more resources must be specified as <resource> <name> or <resource>/<name>')
      if (options.list && options.output) throw new CliError('--list and --output may not be specified together')
      const session = await open()
      const change = await readEnvironment(session, [...(options.env ?? []), ...words], options)
      const { containers } = options
      const changed = (object: JsonObject) =>
        withEnvironment(object, change, { containers, overwrite: options.overwrite !== 'false' })
      if (options.list) return listEnvironment(session, objects, options, changed)
      if (change.variables.length + change.remove.length === 0)
        throw new CliError('at least one environment variable must be provided')
      await changeAll(session, objects, options, 'env updated', (object) => {
        warnOfNoContainers(session, object, containers)
        return changed(object)
      })
    })
}

/** Objects first, then what to do with them. */
function splitVariables(args: readonly string[]): [objects: string[], words: string[]] {
  const isVariable = (arg: string) => arg.includes('=') || arg.endsWith('-')
  const first = args.findIndex(isVariable)
  if (first < 0) return [[...args], []]
  if (!args.slice(first).every(isVariable))
    throw new CliError(`all resources must be specified before environment changes: ${args.join(' ')}`)
  return [args.slice(0, first), args.slice(first)]
}

async function readEnvironment(
  session: Session,
  words: readonly string[],
  { from, keys, prefix = '' }: EnvironmentOptions,
): Promise<EnvironmentChange> {
  const { variables, remove } = parseEnvironment(words)
  if (keys && !from) throw new CliError('when specifying --keys, a configmap or secret must be provided with --from')
  for (const { type, name } of from ? await parseReferences([from], session.types) : []) {
    const object = await session.client.raw<JsonObject>('GET', pathOf(type, { namespace: session.namespace, name }))
    const source = { ...object, kind: type.kind } as unknown as Parameters<typeof referencesTo>[0]
    for (const variable of referencesTo(source, keys?.split(','))) {
      const { key } = Object.values(variable.valueFrom!)[0] as { key: string }
      if (key !== variable.name) session.note(`Warning: key ${key} transferred to ${variable.name}`)
      variables.push(variable)
    }
  }
  return { variables: variables.map((variable) => ({ ...variable, name: prefix + variable.name })), remove }
}

function warnOfNoContainers(session: Session, object: JsonObject, pattern: string): void {
  if (containersOf(object, pattern).length > 0) return
  const { kind, metadata } = object as { kind: string; metadata: JsonObject }
  session.note(`Warning: ${kind}/${String(metadata['name'])} does not have any containers matching ${JSON.stringify(pattern)}`)
}

async function listEnvironment(
  session: Session,
  args: readonly string[],
  options: EnvironmentOptions,
  change: (object: JsonObject) => JsonObject,
): Promise<void> {
  for (const target of await findTargets(session, args, options)) {
    const object = await session.client.raw<JsonObject>('GET', pathOfTarget(target))
    warnOfNoContainers(session, object, options.containers)
    for (const { name, env = [] } of containersOf(change(object), options.containers))
      session.print([`# ${target.type.kind} ${target.name}, container ${name}`, ...env.map(environmentLine)].join('\n'))
  }
}

const setResources: CliCommand = (group, open) => {
  withContainerOption(withTargets(group.command('resources [args...]')))
    .description('Set what containers ask for and may use: set resources deploy/web --limits=cpu=200m,memory=64Mi')
    .option('--limits <resources>', 'the most that each may use')
    .option('--requests <resources>', 'what each asks for')
    .action(async (args: string[], options: SetOptions & { limits?: string; requests?: string }) => {
      if (!options.limits && !options.requests)
        throw new CliError('you must specify an update to requests or limits (in the form of --requests/--limits)')
      const resources = { limits: parseResources(options.limits), requests: parseResources(options.requests) }
      await changeAll(await open(), args, options, 'resource requirements updated', (object) =>
        withResources(object, resources, options.containers),
      )
    })
}

/** Nothing is sent, and nothing said, of what is as it shall be already. */
async function changeAll(
  session: Session,
  args: readonly string[],
  options: SetOptions,
  outcome: string,
  change: (object: JsonObject) => JsonObject,
): Promise<void> {
  if (options.all && options.selector) throw new CliError('cannot set --all and --selector at the same time')
  // The models are large: only who makes a patch pays for reading them.
  const { computeEditPatch } = await import('../writes/client-side-apply.ts')
  for (const target of await findTargets(session, args, options)) {
    const path = pathOfTarget(target)
    const current = await session.client.raw<JsonObject>('GET', path)
    const changed = change(current)
    const { patch, contentType } = computeEditPatch(current, changed, target.type)
    if (Object.keys(patch).length === 0) continue
    const query = { fieldManager: 'kubectl-set', ...dryRunQuery(options) }
    const patched =
      dryRunOf(options) === 'client'
        ? changed
        : await session.client.raw<JsonObject>('PATCH', path, { body: patch, contentType, query })
    report(session, target.type, patched, outcome, options)
  }
}
