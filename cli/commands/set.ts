/** `kubelab set image`: another image for containers of a workload. */
import type { Container } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { parseReferences } from '../object-arguments.ts'
import { pathOf, qualifiedSingular, type ResourceType } from '../resource-types.ts'

interface PodHolder {
  spec: {
    containers?: Container[]
    initContainers?: Container[]
    template?: { spec: PodHolder['spec'] }
    jobTemplate?: { spec: { template: { spec: PodHolder['spec'] } } }
  }
}

/** The pod spec in an object, and how a patch of it is wrapped. */
function podSpecOf({ spec }: PodHolder): { pod: PodHolder['spec']; wrap: (pod: JsonObject) => JsonObject } {
  if (spec.template) return { pod: spec.template.spec, wrap: (pod) => ({ spec: { template: { spec: pod } } }) }
  if (spec.jobTemplate) {
    return {
      pod: spec.jobTemplate.spec.template.spec,
      wrap: (pod) => ({ spec: { jobTemplate: { spec: { template: { spec: pod } } } } }),
    }
  }
  return { pod: spec, wrap: (pod) => ({ spec: pod }) }
}

export const setImage: CliCommand = (program, open) => {
  const set = program.command('set').description('Change one aspect of objects: set image')
  set
    .command('image <args...>')
    .description('Give containers another image: set image deploy/web app=web:2')
    .action(async (args: string[]) => {
      const images = new Map(args.filter((arg) => arg.includes('=')).map(splitImage))
      if (images.size === 0) throw new CliError('at least one image update is required')
      const session = await open()
      for (const { type, name } of await parseReferences(
        args.filter((arg) => !arg.includes('=')),
        session.types,
      )) {
        const path = pathOf(type, { namespace: session.namespace, name })
        const patch = imagePatch(await session.client.raw<PodHolder>('GET', path), images, type)
        if (!patch) continue
        const contentType = 'application/strategic-merge-patch+json'
        await session.client.raw('PATCH', path, { body: patch, contentType, query: { fieldManager: 'kubectl-set' } })
        session.print(`${qualifiedSingular(type)}/${name} image updated`)
      }
    })
}

function splitImage(arg: string): [string, string] {
  const equals = arg.indexOf('=')
  return [arg.slice(0, equals), arg.slice(equals + 1)]
}

/** Undefined when every container has its image already. */
export function imagePatch(
  object: PodHolder,
  images: ReadonlyMap<string, string>,
  type: Pick<ResourceType, 'kind'>,
): JsonObject | undefined {
  if (!object.spec) throw new CliError(`the object is not a pod or does not have a pod template: ${type.kind}`)
  const { pod, wrap } = podSpecOf(object)
  const known = new Set([...(pod.containers ?? []), ...(pod.initContainers ?? [])].map(({ name }) => name))
  for (const name of images.keys()) {
    if (name !== '*' && !known.has(name)) throw new CliError(`unable to find container named ${JSON.stringify(name)}`)
  }
  const changed = (containers: Container[] = []) =>
    containers.flatMap(({ name, image: current }) => {
      const image = images.get(name) ?? images.get('*')
      return image === undefined || image === current ? [] : [{ name, image }]
    })
  const [containers, initContainers] = [changed(pod.containers), changed(pod.initContainers)]
  if (containers.length + initContainers.length === 0) return undefined
  return wrap({ ...(containers.length > 0 && { containers }), ...(initContainers.length > 0 && { initContainers }) })
}
