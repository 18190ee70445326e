/** `kubelab cp`: files and folders into containers and out of them, by the container's own tar. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough, type Readable, Writable } from 'node:stream'
import type { Pod } from '../../api/generated/types.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { CommandFailed } from '../streams/exec-channels.ts'
import { chooseContainer } from '../arguments/find-pods.ts'
import { runPodStream } from '../streams/pod-stream.ts'
import type { Session } from '../session.ts'

interface CopyOptions {
  container?: string
  preserve: boolean
}

export interface FileSpec {
  namespace: string
  /** Empty: on this machine. */
  pod: string
  file: string
}

export const cp: CliCommand = (program, open) => {
  program
    .command('cp <from> <to>')
    .description('Copy files into containers and out of them: cp ./web.conf web:/etc/web.conf, cp shop/web:/var/log ./log')
    .option('-c, --container <name>', 'which container')
    .option('--no-preserve', 'leave owners and modes to the container')
    .action(async (from: string, to: string, options: CopyOptions) => {
      const [source, target] = [parseFileSpec(from), parseFileSpec(to)]
      if (source.pod && target.pod) throw new CliError(`one of src or dest must be a local file specification`)
      if (!source.pod && !target.pod) throw new CliError('one of src or dest must be a remote file specification')
      if (!source.file || !target.file) throw new CliError('filepath can not be empty')
      const session = await open()
      if (source.pod) await copyOut(session, source, target.file, options)
      else await copyIn(session, source.file, target, options)
    })
}

/** `file`, `pod:file`, `namespace/pod:file`; what begins like a path is one. */
export function parseFileSpec(text: string): FileSpec {
  const colon = text.indexOf(':')
  if (colon < 0 || /^[./]/.test(text)) return { namespace: '', pod: '', file: text }
  const file = text.slice(colon + 1)
  const parts = text.slice(0, colon).split('/')
  if (parts.length === 1 && parts[0]) return { namespace: '', pod: parts[0], file }
  if (parts.length === 2 && parts[0] && parts[1]) return { namespace: parts[0], pod: parts[1], file }
  throw new CliError('filespec must match the canonical format: [[namespace/]pod:]file/path')
}

interface Container {
  session: Session
  pod: Pod
  container: string
}

async function containerOf(session: Session, { namespace, pod: name }: FileSpec, wanted: string | undefined): Promise<Container> {
  const pod = await session.client.get('Pod', { namespace: namespace || session.namespace, name })
  return { session, pod, container: chooseContainer(session, pod, wanted) }
}

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })

const runIn = (
  { session, pod, container }: Container,
  command: string[],
  { stdin, stdout = nowhere(), stderr = process.stderr }: { stdin?: Readable; stdout?: Writable; stderr?: Writable },
): Promise<void> =>
  runPodStream(
    session,
    pod,
    { verb: 'exec', container, command, stdin: stdin !== undefined, tty: false },
    { stdin, stdout, stderr },
  )

async function copyIn(session: Session, source: string, target: FileSpec, options: CopyOptions): Promise<void> {
  const local = await stat(source).catch(() => undefined)
  if (!local) throw new CliError(`${source} doesn't exist in local filesystem`)
  const place = await containerOf(session, target, options.container)
  const plain = target.file.length > 1 ? target.file.replace(/\/+$/, '') : target.file
  const file = (await isFolder(place, plain)) ? path.posix.join(plain, path.basename(path.resolve(source))) : plain
  const { packFiles } = await import('../streams/tar-files.ts')
  const flags = options.preserve ? [] : ['--no-same-permissions', '--no-same-owner']
  const command = ['tar', ...flags, '-xmf', '-', '-C', path.posix.dirname(file)]
  await runIn(place, command, { stdin: packFiles(source, path.posix.basename(file)), stdout: process.stdout })
}

/** Asks the container; what has no `test` is taken to be no folder. */
async function isFolder(place: Container, file: string): Promise<boolean> {
  try {
    await runIn(place, ['test', '-d', file], { stderr: nowhere() })
    return true
  } catch (error) {
    if (error instanceof CommandFailed) return false
    throw error
  }
}

async function copyOut(session: Session, source: FileSpec, target: string, options: CopyOptions): Promise<void> {
  const place = await containerOf(session, source, options.container)
  const { unpackFiles } = await import('../streams/tar-files.ts')
  const stdout = new PassThrough()
  const prefix = path.posix
    .normalize(source.file)
    .replace(/^(?:\.{0,2}\/)+/, '')
    .replace(/\/+$/, '')
  const unpacked = unpackFiles(stdout, prefix, target, session.note)
  // Told of below: the command's own failure says more than a stream that was cut off.
  unpacked.catch(() => {})
  try {
    await runIn(place, ['tar', 'cf', '-', source.file], { stdout })
  } finally {
    stdout.end()
  }
  if ((await unpacked) === 0) throw new CliError(`${JSON.stringify(source.file)} no such file or directory`)
}
