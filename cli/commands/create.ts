/** `kubelab create`: objects from files, and the commonest ones from options alone. */
import type { Command } from 'commander'
import type { JsonObject } from '../../api/json.ts'
import { collect } from '../collect.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, describeError, inContext, SilentExit } from '../errors.ts'
import { readKeyValues } from '../key-values.ts'
import { namespaceOf, nameOf, readManifests, type KubeJson } from '../manifests.ts'
import { createPrinter, withoutManagedFields } from '../printers/printer.ts'
import { pathOf, qualifiedSingular } from '../resource-types.ts'
import type { Session } from '../session.ts'

interface OutputOptions {
  dryRun: string
  output?: string
  validate: string
}

interface FileOptions extends OutputOptions {
  filename?: string[]
  recursive?: boolean
}

const VALIDATION: Record<string, string> = { strict: 'Strict', true: 'Strict', warn: 'Warn', ignore: 'Ignore', false: 'Ignore' }

export const create: CliCommand = (program, open) => {
  const command = withOutput(program.command('create'))
    .description('Make objects: create -f web.yaml, create deployment web --image=web:1')
    .option('-f, --filename <file>', 'file, folder, or - for standard input', collect)
    .option('-R, --recursive', 'folders within folders as well')
    .action(async (options: FileOptions) => {
      if (!options.filename) throw new CliError('must specify one of -f and -k')
      const session = await open()
      await createFromFiles(session, options.filename, options)
    })
  const kinds = [createDeployment, createNamespace, createConfigMap, createSecret, createServiceAccount]
  for (const kind of kinds) kind(command, open)
}

const withOutput = (command: Command): Command =>
  command
    .option('--dry-run <how>', 'client, server or none', 'none')
    .option('--validate <how>', 'strict, warn or ignore unknown fields', 'strict')
    .option('-o, --output <format>', 'show the object: yaml, json, name')

async function createFromFiles(session: Session, files: string[], options: FileOptions): Promise<void> {
  const objects = await readManifests(files, session.types, { recursive: options.recursive, namespace: session.namespace })
  if (objects.length === 0) throw new CliError('no objects passed to create')
  let failed = false
  for (const { object, source } of objects) {
    try {
      await createOne(session, object, options)
    } catch (error) {
      const told = inContext(`error when creating ${JSON.stringify(source)}`, error)
      if (objects.length === 1) throw told
      session.note(describeError(told))
      failed = true
    }
  }
  if (failed) throw new SilentExit('')
}

async function createOne(session: Session, object: KubeJson, options: OutputOptions): Promise<void> {
  const type = await session.types.ofKind(object.apiVersion, object.kind)
  const namespace = type.namespaced ? (namespaceOf(object) ?? session.namespace) : undefined
  const body = namespace ? { ...object, metadata: { ...object.metadata, namespace } } : object
  const query = {
    fieldManager: 'kubectl-create',
    fieldValidation: VALIDATION[options.validate] ?? 'Strict',
    ...(options.dryRun === 'server' && { dryRun: 'All' }),
  }
  const created =
    options.dryRun === 'client' ? body : await session.client.raw<KubeJson>('POST', pathOf(type, { namespace }), { body, query })
  const printer = createPrinter(options.output)
  const suffix = options.dryRun === 'client' ? ' (dry run)' : options.dryRun === 'server' ? ' (server dry run)' : ''
  session.print(
    printer ? printer(withoutManagedFields(created)) : `${qualifiedSingular(type)}/${nameOf(created)} created${suffix}`,
  )
}

type Subcommand = (command: Command, open: () => Promise<Session>) => void

interface DeploymentOptions extends OutputOptions {
  image?: string[]
  replicas: string
  port?: string
}

const createDeployment: Subcommand = (command, open) => {
  withOutput(command.command('deployment <name> [command...]').alias('deploy'))
    .description('A deployment: create deployment web --image=web:1 --replicas=3')
    .option('--image <image>', 'image of the container; may be repeated', collect)
    .option('-r, --replicas <count>', 'how many pods', '1')
    .option('--port <port>', 'port that the container serves')
    .action(async (name: string, args: string[], _: unknown, self: Command) => {
      const options = self.optsWithGlobals<DeploymentOptions>()
      await createOne(await open(), deploymentOf(name, args, options), options)
    })
}

export function deploymentOf(
  name: string,
  command: string[],
  { image: images = [], replicas, port }: Omit<DeploymentOptions, keyof OutputOptions>,
): KubeJson {
  if (images.length === 0) throw new CliError('required flag(s) "image" not set')
  if (images.length > 1 && command.length > 0) throw new CliError('cannot specify multiple --image options and command')
  const labels = { app: name }
  const containers = images.map((image): JsonObject => ({
    // The image's last part, without its tag or digest, as a container may be called.
    name: image
      .split('/')
      .at(-1)!
      .split(/[:@]/)[0]!
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-'),
    image,
    ...(command.length > 0 && { command }),
    ...(port !== undefined && { ports: [{ containerPort: Number(port) }] }),
    resources: {},
  }))
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: Number(replicas),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  }
}

const createNamespace: Subcommand = (command, open) => {
  withOutput(command.command('namespace <name>').alias('ns'))
    .description('A namespace: create namespace shop')
    .action(async (name: string, _: unknown, self: Command) =>
      createOne(await open(), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, self.optsWithGlobals<OutputOptions>()),
    )
}

const createServiceAccount: Subcommand = (command, open) => {
  withOutput(command.command('serviceaccount <name>').alias('sa'))
    .description('A service account: create serviceaccount robot')
    .action(async (name: string, _: unknown, self: Command) =>
      createOne(
        await open(),
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
        self.optsWithGlobals<OutputOptions>(),
      ),
    )
}

interface DataOptions extends OutputOptions {
  fromLiteral?: string[]
  fromFile?: string[]
  fromEnvFile?: string[]
  type?: string
}

const withData = (command: Command): Command =>
  withOutput(command)
    .option('--from-literal <key=value>', 'one value; may be repeated', collect)
    .option('--from-file <[key=]path>', 'a file, or every file of a folder; may be repeated', collect)
    .option('--from-env-file <path>', 'a file of key=value lines', collect)

const createConfigMap: Subcommand = (command, open) => {
  withData(command.command('configmap <name>').alias('cm'))
    .description('A config map: create configmap web --from-literal=color=blue --from-file=nginx.conf')
    .action(async (name: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<DataOptions>()
      const { text, binary } = await readKeyValues(options)
      const data = {
        ...(Object.keys(text).length > 0 && { data: text }),
        ...(Object.keys(binary).length > 0 && { binaryData: binary }),
      }
      await createOne(await open(), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...data }, options)
    })
}

const createSecret: Subcommand = (command, open) => {
  const secret = command.command('secret').description('A secret: create secret generic')
  withData(secret.command('generic <name>'))
    .description('A secret of any content: create secret generic db --from-literal=password=x')
    .option('--type <type>', 'type of the secret', 'Opaque')
    .action(async (name: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<DataOptions>()
      const { text, binary } = await readKeyValues(options)
      const encoded = Object.entries(text).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
      const data = { ...Object.fromEntries(encoded), ...binary } as JsonObject
      const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: options.type ?? 'Opaque', data }
      await createOne(await open(), object, options)
    })
}
