/** `kubelab create namespace`, `serviceaccount` and `token`. */
import { parseDuration } from '../../../api/duration.ts'
import type { JsonObject } from '../../../api/json.ts'
import { isApiError } from '../../../api/status.ts'
import { collect } from '../../arguments/collect.ts'
import { CliError } from '../../errors.ts'
import { createPrinter } from '../../printers/printer.ts'
import { type AddGenerator, defineGenerator, newObject } from './generator.ts'

export const createNamespace: AddGenerator = defineGenerator({
  usage: 'namespace <name>',
  aliases: ['ns'],
  description: 'A namespace: create namespace shop',
  build: (name) => ({ ...newObject('v1', 'Namespace', name), spec: {}, status: {} }),
})

export const createServiceAccount: AddGenerator = defineGenerator({
  usage: 'serviceaccount <name>',
  aliases: ['sa'],
  description: 'A service account: create serviceaccount robot',
  build: (name) => newObject('v1', 'ServiceAccount', name),
})

interface TokenOptions {
  audience?: string[]
  duration?: string
  boundObjectKind?: string
  boundObjectName?: string
  boundObjectUid?: string
  output?: string
}

const BOUND_VERSIONS: Record<string, string> = { Pod: 'v1', Secret: 'v1', Node: 'v1' }

export const createToken: AddGenerator = (command, open) => {
  command
    .command('token <service-account>')
    .description('Ask for a token of a service account: create token robot --duration=1h')
    .option('--audience <name>', 'who shall accept it; may be repeated', collect)
    .option('--duration <duration>', 'how long it is good for')
    .option('--bound-object-kind <kind>', 'it ends with this Pod, Secret or Node')
    .option('--bound-object-name <name>', 'the name of that object')
    .option('--bound-object-uid <uid>', 'the UID of that object')
    .option('-o, --output <format>', 'show the whole answer: yaml, json')
    .action(async (name: string, options: TokenOptions) => {
      const body = tokenRequestOf(options)
      const { client, namespace, print } = await open()
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${encodeURIComponent(name)}/token`
      const answer = await client
        .raw<JsonObject & { status: { token: string } }>('POST', path, { body })
        .catch((error: unknown) => {
          throw isApiError(error) ? new CliError(`failed to create token: ${error.message}`) : error
        })
      const printer = createPrinter(options.output)
      print(printer ? printer(answer) : answer.status.token)
    })
}

export function tokenRequestOf(options: TokenOptions): JsonObject {
  const { audience = [], duration, boundObjectKind: kind, boundObjectName: name, boundObjectUid: uid } = options
  const seconds = duration === undefined ? 0 : parseDuration(duration) / 1000
  if (seconds < 0) throw new CliError('--duration must be greater than or equal to 0')
  if (seconds % 1 !== 0) throw new CliError('--duration cannot be expressed in units less than seconds')
  if (kind && !BOUND_VERSIONS[kind])
    throw new CliError(`supported --bound-object-kind values are ${Object.keys(BOUND_VERSIONS).toSorted().join(', ')}`)
  if (kind && !name) throw new CliError('--bound-object-name is required if --bound-object-kind is provided')
  if (!kind && name) throw new CliError('--bound-object-name can only be set if --bound-object-kind is provided')
  if (!kind && uid) throw new CliError('--bound-object-uid can only be set if --bound-object-kind is provided')
  return {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience,
      ...(seconds > 0 && { expirationSeconds: seconds }),
      ...(kind && { boundObjectRef: { apiVersion: BOUND_VERSIONS[kind]!, kind, name: name!, ...(uid && { uid }) } }),
    },
  }
}
