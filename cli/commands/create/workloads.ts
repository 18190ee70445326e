/** `kubelab create deployment`, `job` and `cronjob`. */
import type { JsonObject } from '../../../api/json.ts'
import { collect } from '../../arguments/collect.ts'
import { CliError } from '../../errors.ts'
import type { KubeJson } from '../../arguments/manifests.ts'
import { pathOf } from '../../arguments/resource-types.ts'
import type { Session } from '../../session.ts'
import { type AddGenerator, defineGenerator, newObject } from './generator.ts'

interface DeploymentOptions {
  image?: string[]
  replicas: string
  port?: string
}

export const createDeployment: AddGenerator = defineGenerator<DeploymentOptions>({
  usage: 'deployment <name> [command...]',
  aliases: ['deploy'],
  description: 'A deployment: create deployment web --image=web:1 --replicas=3',
  options: (command) =>
    command
      .option('--image <image>', 'image of the container; may be repeated', collect)
      .option('-r, --replicas <count>', 'how many pods', '1')
      .option('--port <port>', 'port that the container serves'),
  build: (name, options, words) => deploymentOf(name, words, options),
})

export function deploymentOf(name: string, command: string[], { image = [], replicas, port }: DeploymentOptions): KubeJson {
  const images = image.flatMap((text) => text.split(','))
  if (images.length === 0) throw new CliError('required flag(s) "image" not set')
  if (images.length > 1 && command.length > 0) throw new CliError('cannot specify multiple --image options and command')
  const labels = { app: name }
  const containers = images.map((each): JsonObject => ({
    name: containerNameOf(each),
    image: each,
    ...(command.length > 0 && { command }),
    ...(port !== undefined && { ports: [{ containerPort: Number(port) }] }),
    resources: {},
  }))
  return {
    ...newObject('apps/v1', 'Deployment', name, labels),
    spec: {
      replicas: Number(replicas),
      selector: { matchLabels: labels },
      strategy: {},
      template: { metadata: { creationTimestamp: null, labels }, spec: { containers } },
    },
    status: {},
  }
}

/** The image's last part, without its tag or digest, as a container may be called. */
const containerNameOf = (image: string): string =>
  image
    .split('/')
    .at(-1)!
    .split(/[:@]/)[0]!
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')

interface JobOptions {
  image?: string
  from?: string
}

export const createJob: AddGenerator = defineGenerator<JobOptions>({
  usage: 'job <name> [command...]',
  description: 'A job: create job once --image=busybox -- date; create job now --from=cronjob/backup',
  options: (command) =>
    command
      .option('--image <image>', 'image of the container')
      .option('--from <cronjob>', 'the cron job to run now: cronjob/backup'),
  build: async (name, { image, from }, words, session) => {
    if (!image && !from) throw new CliError('either --image or --from must be specified')
    if (image && from) throw new CliError('either --image or --from must be specified')
    if (!from) return jobOf(name, image!, words)
    if (words.length > 0) throw new CliError('cannot specify --from and command')
    return jobFromCronJob(name, await readCronJob(session, from))
  },
})

const podTemplate = (name: string, image: string, command: string[], restartPolicy: string): JsonObject => ({
  metadata: { creationTimestamp: null },
  spec: { containers: [{ name, image, ...(command.length > 0 && { command }), resources: {} }], restartPolicy },
})

export const jobOf = (name: string, image: string, command: string[]): KubeJson => ({
  ...newObject('batch/v1', 'Job', name),
  spec: { template: podTemplate(name, image, command, 'Never') },
  status: {},
})

interface CronJob {
  apiVersion: string
  metadata: { name: string; uid: string }
  spec: { jobTemplate: { metadata?: { annotations?: JsonObject; labels?: JsonObject }; spec: JsonObject } }
}

async function readCronJob(session: Session, from: string): Promise<CronJob> {
  const [typeName = '', name] = from.split('/')
  const type = await session.types.find(name === undefined ? 'cronjobs' : typeName)
  if (type.kind !== 'CronJob') throw new CliError('from must be an existing cronjob')
  return session.client.raw<CronJob>('GET', pathOf(type, { namespace: session.namespace, name: name ?? typeName }))
}

export function jobFromCronJob(name: string, { metadata, spec: { jobTemplate } }: CronJob): KubeJson {
  const { annotations, labels } = jobTemplate.metadata ?? {}
  const job = newObject('batch/v1', 'Job', name, labels)
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name, uid: metadata.uid, controller: true }
  return {
    ...job,
    metadata: {
      ...job.metadata,
      annotations: { ...annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [owner],
    },
    spec: jobTemplate.spec,
    status: {},
  }
}

interface CronJobOptions {
  image?: string
  schedule?: string
  restart: string
}

export const createCronJob: AddGenerator = defineGenerator<CronJobOptions>({
  usage: 'cronjob <name> [command...]',
  aliases: ['cj'],
  description: "A cron job: create cronjob backup --image=busybox --schedule='0 3 * * *' -- date",
  options: (command) =>
    command
      .option('--image <image>', 'image of the container')
      .option('--schedule <schedule>', 'when, in the form of cron')
      .option('--restart <policy>', 'OnFailure or Never', 'OnFailure'),
  build: (name, options, words) => cronJobOf(name, words, options),
})

export function cronJobOf(name: string, command: string[], { image, schedule, restart }: CronJobOptions): KubeJson {
  const missing = [...(image ? [] : ['image']), ...(schedule ? [] : ['schedule'])]
  if (missing.length > 0) throw new CliError(`required flag(s) ${missing.map((flag) => JSON.stringify(flag)).join(', ')} not set`)
  return {
    ...newObject('batch/v1', 'CronJob', name),
    spec: {
      jobTemplate: {
        metadata: { creationTimestamp: null, name },
        spec: { template: podTemplate(name, image!, command, restart) },
      },
      schedule: schedule!,
    },
    status: {},
  }
}
