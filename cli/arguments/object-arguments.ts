/** Reads what users name on the command line: `pods`, `pod web db`, `deploy/web svc/web`, `po,svc`. */
import { CliError } from '../errors.ts'
import type { ResourceType, ResourceTypes } from './resource-types.ts'

export interface Selection {
  type: ResourceType
  /** Empty: all of them, or those that a selector matches. */
  names: string[]
}

export interface ObjectReference {
  type: ResourceType
  name: string
}

export async function parseSelections(args: readonly string[], types: ResourceTypes): Promise<Selection[]> {
  const [first, ...names] = args
  if (first === undefined) return []
  if (args.some((arg) => arg.includes('/'))) return parseSlashes(args, types)
  const selections: Selection[] = []
  for (const name of first.split(',')) {
    const category = types.inCategory(name)
    if (category.length > 0) selections.push(...category.map((type) => ({ type, names })))
    else selections.push({ type: await types.find(name), names })
  }
  return selections
}

async function parseSlashes(args: readonly string[], types: ResourceTypes): Promise<Selection[]> {
  const selections: Selection[] = []
  for (const arg of args) {
    const [type, name, ...more] = arg.split('/')
    if (more.length > 0) throw new CliError('arguments in resource/name form may not have more than one slash')
    if (name === undefined) {
      throw new CliError(
        `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubelab get resource/<resource_name>' instead of 'kubelab get resource resource/<resource_name>'`,
      )
    }
    if (!type || !name) throw new CliError('arguments in resource/name form must have a single resource and name')
    selections.push({ type: await types.find(type), names: [name] })
  }
  return selections
}

/** For commands on single objects: every argument must name one. */
export async function parseReferences(args: readonly string[], types: ResourceTypes): Promise<ObjectReference[]> {
  const selections = await parseSelections(args, types)
  if (selections.length === 0 || selections.some(({ names }) => names.length === 0)) {
    throw new CliError('resource(s) were provided, but no name was specified')
  }
  return selections.flatMap(({ type, names }) => names.map((name) => ({ type, name })))
}
