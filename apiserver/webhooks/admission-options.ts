/** The options of a request as webhooks are told of them: CreateOptions and their like, and what a CONNECT asks for. */
import type { KubeObject } from '../../api/object.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { RequestInfo } from '../requests/request-info.ts'

export function optionsOf({ operation, asked, dryRun }: AdmissionAttributes): object | undefined {
  if (!asked || operation === 'CONNECT') return undefined
  const { info, deleteOptions } = asked
  const kind =
    operation === 'DELETE'
      ? 'DeleteOptions'
      : info.verb === 'patch'
        ? 'PatchOptions'
        : operation === 'CREATE'
          ? 'CreateOptions'
          : 'UpdateOptions'
  const type = { kind, apiVersion: 'meta.k8s.io/v1', ...(dryRun && { dryRun: ['All'] }) }
  if (operation === 'DELETE') return { ...type, ...deletion(deleteOptions) }
  const { query } = info
  return {
    ...type,
    ...(query.get('force') === 'true' && { force: true }),
    ...(query.get('fieldManager') && { fieldManager: query.get('fieldManager') }),
    ...(query.get('fieldValidation') && { fieldValidation: query.get('fieldValidation') }),
  }
}

function deletion(options: NonNullable<AdmissionAttributes['asked']>['deleteOptions']): object {
  if (!options) return {}
  const { gracePeriodSeconds, propagationPolicy, preconditions } = options
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(Object.keys(preconditions).length > 0 && { preconditions }),
  }
}

/** An exec, attach, port-forward or proxy has its options in the URL; for admission they are its object. */
export function connectObject(kind: string, { query, rest }: RequestInfo): KubeObject {
  const type = { kind, apiVersion: 'v1' }
  if (kind === 'PodPortForwardOptions') {
    const ports = query.getAll('ports').flatMap((text) => text.split(',').map(Number))
    return { ...type, ...(ports.length > 0 && { ports }) } as unknown as KubeObject
  }
  if (kind.endsWith('ProxyOptions')) return { ...type, ...(rest && { path: rest }) } as unknown as KubeObject
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((name) => {
    const value = query.get(name)
    return value !== null && value !== 'false' && value !== '0'
  })
  const command = query.getAll('command')
  return {
    ...type,
    ...Object.fromEntries(flags.map((name) => [name, true])),
    ...(query.get('container') && { container: query.get('container') }),
    ...(command.length > 0 && { command }),
  } as unknown as KubeObject
}
