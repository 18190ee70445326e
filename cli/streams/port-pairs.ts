/** The ports of `port-forward`: `8080`, `8080:80`, `:80`, `8080:http`; of a service, by its target ports. Pure. */
import type { Container, Pod, Service } from '../../api/generated/types.ts'
import { CliError } from '../errors.ts'

export interface PortPair {
  /** 0: any that is free. */
  local: number
  remote: number
}

const isNumber = (text: string) => /^\d+$/.test(text)

export function parsePorts(args: readonly string[], pod: Pod, service?: Service): PortPair[] {
  return args.map((arg) => {
    const [first = '', second, ...more] = arg.split(':')
    if (more.length > 0) throw new CliError(`invalid port format '${arg}'`)
    const remoteText = second ?? first
    const wanted = service ? servicePort(service, remoteText) : remoteText
    const remote = isNumber(String(wanted)) ? Number(wanted) : namedPort(pod, String(wanted))
    // A name alone, and a service's port alone, stand for the same number here.
    const localText =
      second === undefined ? (isNumber(first) ? first : String(service ? portNumber(service, first) : remote)) : first || '0'
    if (!isNumber(localText))
      throw new CliError(
        `error parsing local port '${localText}': strconv.ParseUint: parsing ${JSON.stringify(localText)}: invalid syntax`,
      )
    if (remote === 0) throw new CliError('remote port must be > 0')
    return { local: Number(localText), remote }
  })
}

const findServicePort = ({ metadata, spec }: Service, text: string) => {
  const found = spec?.ports?.find(({ port, name }) => (isNumber(text) ? port === Number(text) : name === text))
  if (!found) {
    throw new CliError(
      isNumber(text)
        ? `Service ${metadata.name} does not have a service port ${text}`
        : `Service '${metadata.name}' does not have a named port '${text}'`,
    )
  }
  return found
}

const portNumber = (service: Service, text: string): number => findServicePort(service, text).port

function servicePort(service: Service, text: string): number | string {
  const { port, targetPort } = findServicePort(service, text)
  // Without an address of its own the service is only a name for the pods.
  if (service.spec?.clusterIP === 'None') return port
  return targetPort === undefined || targetPort === 0 ? port : targetPort
}

function namedPort({ metadata, spec }: Pod, name: string): number {
  const containers: Container[] = [...spec.containers, ...(spec.initContainers ?? [])]
  const found = containers.flatMap(({ ports = [] }) => ports).find((port) => port.name === name)
  if (!found) throw new CliError(`Pod '${metadata.name}' does not have a named port '${name}'`)
  return found.containerPort
}
