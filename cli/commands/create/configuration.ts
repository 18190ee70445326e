/** `kubelab create configmap` and `secret generic`, `tls`, `docker-registry`. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { JsonObject } from '../../../api/json.ts'
import { collect } from '../../arguments/collect.ts'
import { CliError } from '../../errors.ts'
import { readKeyValues, type Sources } from '../../arguments/key-values.ts'
import { type AddGenerator, defineGenerator, newObject } from './generator.ts'

const withData = (command: Command): Command =>
  command
    .option('--from-literal <key=value>', 'one value; may be repeated', collect)
    .option('--from-file <[key=]path>', 'a file, or every file of a folder; may be repeated', collect)
    .option('--from-env-file <path>', 'a file of key=value lines', collect)

export const createConfigMap: AddGenerator = defineGenerator<Sources>({
  usage: 'configmap <name>',
  aliases: ['cm'],
  description: 'A config map: create configmap web --from-literal=color=blue --from-file=nginx.conf',
  options: withData,
  build: async (name, options) => {
    const { text, binary } = await readKeyValues(options)
    return {
      ...newObject('v1', 'ConfigMap', name),
      ...(Object.keys(text).length > 0 && { data: text }),
      ...(Object.keys(binary).length > 0 && { binaryData: binary }),
    }
  },
})

const base64 = (text: string) => Buffer.from(text).toString('base64')

async function secretData(sources: Sources): Promise<JsonObject> {
  const { text, binary } = await readKeyValues(sources)
  const encoded = Object.entries(text).map(([key, value]) => [key, base64(value)])
  return { ...(Object.fromEntries(encoded) as JsonObject), ...binary }
}

const genericSecret: AddGenerator = defineGenerator<Sources & { type?: string }>({
  usage: 'generic <name>',
  description: 'A secret of any content: create secret generic db --from-literal=password=x',
  options: (command) => withData(command).option('--type <type>', 'type of the secret'),
  build: async (name, { type, ...sources }) => {
    const data = await secretData(sources)
    return {
      ...newObject('v1', 'Secret', name),
      ...(Object.keys(data).length > 0 && { data }),
      ...(type && { type }),
    }
  },
})

interface TlsOptions {
  cert?: string
  key?: string
}

const tlsSecret: AddGenerator = defineGenerator<TlsOptions>({
  usage: 'tls <name>',
  description: 'A certificate with its key: create secret tls web --cert=tls.crt --key=tls.key',
  options: (command) => command.option('--cert <file>', 'the certificate, PEM').option('--key <file>', 'its private key, PEM'),
  build: async (name, { cert, key }) => {
    if (!key) throw new CliError('key must be specified')
    if (!cert) throw new CliError('certificate must be specified')
    const [certText, keyText] = await Promise.all([readPem(cert), readPem(key)])
    await checkPair(certText, keyText)
    return {
      ...newObject('v1', 'Secret', name),
      data: { 'tls.crt': base64(certText), 'tls.key': base64(keyText) },
      type: 'kubernetes.io/tls',
    }
  },
})

const readPem = (file: string) =>
  readFile(file, 'utf8').catch(() => {
    throw new CliError(`open ${file}: no such file or directory`)
  })

async function checkPair(cert: string, key: string): Promise<void> {
  const { createPrivateKey, X509Certificate } = await import('node:crypto')
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return
  } catch (error) {
    throw new CliError(`tls: failed to find any PEM data in certificate or key input: ${(error as Error).message}`)
  }
  throw new CliError('tls: private key does not match public key')
}

interface RegistryOptions {
  dockerServer: string
  dockerUsername?: string
  dockerPassword?: string
  dockerEmail?: string
  fromFile?: string[]
}

const REGISTRY = 'https://index.docker.io/v1/'
const CONFIG_KEY = '.dockerconfigjson'

const registrySecret: AddGenerator = defineGenerator<RegistryOptions>({
  usage: 'docker-registry <name>',
  description:
    'Credentials for images: create secret docker-registry reg --docker-server=r --docker-username=u --docker-password=p',
  options: (command) =>
    command
      .option('--docker-server <url>', 'the registry', REGISTRY)
      .option('--docker-username <name>', 'the user')
      .option('--docker-password <password>', 'the password')
      .option('--docker-email <address>', 'the address, for registries that want one')
      .option('--from-file <[key=]path>', 'a config file of docker', collect),
  build: async (name, options) => ({
    ...newObject('v1', 'Secret', name),
    data: options.fromFile ? await secretData({ fromFile: options.fromFile.map(asConfigFile) }) : registryData(options),
    type: 'kubernetes.io/dockerconfigjson',
  }),
})

const asConfigFile = (source: string) => (source.includes('=') ? source : `${CONFIG_KEY}=${source}`)

export function registryData(options: RegistryOptions): JsonObject {
  const { dockerServer, dockerUsername: username, dockerPassword: password, dockerEmail: email } = options
  if (!username || !password || !dockerServer) {
    throw new CliError(
      'either --from-file or the combination of --docker-username, --docker-password and --docker-server is required',
    )
  }
  const entry = { username, password, ...(email && { email }), auth: base64(`${username}:${password}`) }
  return { [CONFIG_KEY]: base64(JSON.stringify({ auths: { [dockerServer]: entry } })) }
}

export const createSecret: AddGenerator = (command, open) => {
  const secret = command.command('secret').description('A secret: create secret generic, tls or docker-registry')
  for (const add of [registrySecret, genericSecret, tlsSecret]) add(secret, open)
}
