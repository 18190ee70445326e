/** What `set` changes in the containers of a pod or a workload: pure, each makes another object of one. */
import type { Container, EnvVar, EnvVarSource } from '../../api/generated/types.ts'
import type { JsonObject } from '../../api/json.ts'
import { isRelaxedEnvVarName } from '../../api/names.ts'
import { isQuantity } from '../../api/quantity.ts'
import { CliError } from '../errors.ts'

interface Containers {
  containers?: Container[]
  initContainers?: Container[]
}

interface PodHolder {
  kind: string
  spec?: Containers & {
    template?: { spec: Containers }
    jobTemplate?: { spec: { template: { spec: Containers } } }
  }
}

function podSpecOf(object: JsonObject): Containers {
  const { kind, spec } = object as unknown as PodHolder
  const found = spec?.template?.spec ?? spec?.jobTemplate?.spec.template.spec ?? spec
  if (!found?.containers) throw new CliError(`the object is not a pod or does not have a pod template: ${kind}`)
  return found
}

/** Those whose names match, `*` standing for anything; init containers last. */
export function containersOf(object: JsonObject, pattern = '*'): Container[] {
  const { containers = [], initContainers = [] } = podSpecOf(object)
  const parts = pattern.split('*').map((part) => part.replaceAll(/[^\w-]/g, String.raw`\$&`))
  const matcher = new RegExp(`^${parts.join('.*')}$`, 's')
  return [...containers, ...initContainers].filter(({ name }) => matcher.test(name))
}

type Change = (container: Container) => void

function withContainers(object: JsonObject, pattern: string, change: Change): JsonObject {
  const changed = structuredClone(object)
  containersOf(changed, pattern).forEach(change)
  return changed
}

export function withImages(object: JsonObject, images: ReadonlyMap<string, string>): JsonObject {
  const known = new Set(containersOf(object).map(({ name }) => name))
  for (const name of images.keys()) {
    if (name !== '*' && !known.has(name)) throw new CliError(`unable to find container named ${JSON.stringify(name)}`)
  }
  return withContainers(object, '*', (container) => {
    const image = images.get(container.name) ?? images.get('*')
    if (image !== undefined) container.image = image
  })
}

export interface EnvironmentChange {
  variables: EnvVar[]
  /** The names of those that go. */
  remove: string[]
}

/** `A=1` sets, `A-` takes away. */
export function parseEnvironment(words: readonly string[]): EnvironmentChange {
  const change: EnvironmentChange = { variables: [], remove: [] }
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals >= 0) {
      const name = word.slice(0, equals)
      const complaints = isRelaxedEnvVarName(name)
      if (complaints.length > 0) throw new CliError(`${JSON.stringify(name)} is not a valid key name: ${complaints.join(';')}`)
      change.variables.push({ name, value: word.slice(equals + 1) })
    } else if (word.endsWith('-')) change.remove.push(word.slice(0, -1))
    else throw new CliError(`unknown environment variable: ${word}`)
  }
  if (change.variables.some(({ name }) => change.remove.includes(name)))
    throw new CliError('can not both modify and remove the same environment variable in the same command')
  return change
}

export function withEnvironment(
  object: JsonObject,
  { variables, remove }: EnvironmentChange,
  { containers = '*', overwrite = true }: { containers?: string; overwrite?: boolean } = {},
): JsonObject {
  return withContainers(object, containers, (container) => {
    const current = container.env ?? []
    const given = new Map(variables.map((variable) => [variable.name, variable]))
    if (!overwrite) refuseToOverwrite(current, given)
    const env = current.filter(({ name }) => !remove.includes(name)).map((variable) => given.get(variable.name) ?? variable)
    const known = new Set(env.map(({ name }) => name))
    container.env = [...env, ...[...given.values()].filter(({ name }) => !known.has(name) && !remove.includes(name))]
  })
}

function refuseToOverwrite(current: readonly EnvVar[], given: ReadonlyMap<string, EnvVar>): void {
  for (const { name, value = '' } of current) {
    const wanted = given.get(name)
    if (wanted && wanted.value !== value) throw new CliError(`'${name}' already has a value (${value}), and --overwrite is false`)
  }
}

/** Variables that read the keys of a config map or secret, named as shells want them; all keys when none are asked for. */
export function referencesTo(
  { kind, metadata, data }: { kind: string; metadata: { name: string }; data?: JsonObject },
  keys: readonly string[] = [],
): EnvVar[] {
  const member = ({ ConfigMap: 'configMapKeyRef', Secret: 'secretKeyRef' } as const)[kind]
  if (!member) throw new CliError('unsupported resource specified in --from')
  return Object.keys(data ?? {})
    .toSorted()
    .filter((key) => keys.length === 0 || keys.includes(key))
    .map((key) => ({ name: variableName(key), valueFrom: { [member]: { name: metadata.name, key } } }))
}

const variableName = (key: string): string => key.replaceAll(/\W/g, '_').toUpperCase()

/** `A=1`, or where its value comes from. */
export const environmentLine = ({ name, value = '', valueFrom }: EnvVar): string =>
  valueFrom ? `# ${name} from ${sourceText(valueFrom)}` : `${name}=${value}`

function sourceText({ configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef }: EnvVarSource): string {
  if (configMapKeyRef) return `configmap ${configMapKeyRef.name}, key ${configMapKeyRef.key}`
  if (secretKeyRef) return `secret ${secretKeyRef.name}, key ${secretKeyRef.key}`
  if (fieldRef) return `field path ${fieldRef.fieldPath}`
  const { containerName, resource } = resourceFieldRef ?? {}
  return resource ? `resource field ${containerName ? `${containerName}/` : ''}${resource}` : 'invalid valueFrom'
}

/** `cpu=200m,memory=64Mi` */
export function parseResources(text = ''): Record<string, string> {
  const pairs = text
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [name = '', quantity, ...more] = part.split('=')
      if (quantity === undefined || more.length > 0)
        throw new CliError(`Invalid argument syntax ${part}, expected <resource>=<value>`)
      if (!isQuantity(quantity))
        throw new CliError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
      return [name, quantity] as const
    })
  return Object.fromEntries(pairs)
}

/** Resources that are not named stay as they are. */
export function withResources(
  object: JsonObject,
  { limits, requests }: { limits: Record<string, string>; requests: Record<string, string> },
  containers = '*',
): JsonObject {
  if (containersOf(object, containers).length === 0) throw new CliError(`unable to find container named ${containers}`)
  return withContainers(object, containers, (container) => {
    const current = container.resources ?? {}
    container.resources = {
      ...current,
      ...(Object.keys(limits).length > 0 && { limits: { ...current.limits, ...limits } }),
      ...(Object.keys(requests).length > 0 && { requests: { ...current.requests, ...requests } }),
    }
  })
}
