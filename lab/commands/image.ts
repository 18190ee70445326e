/** `kubelab image load|ls`: puts image archives on every node, with no registry. */
import { execFile, spawn } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { type LabDefinition, labPaths } from '../definition.ts'
import { inNode, runningInit } from '../node-machine.ts'
import { askRunning, DEFAULT_LAB, type LabCommand, readDefinition, requireRoot } from './lab-command.ts'

const run = promisify(execFile)

export const image: LabCommand = (program) => {
  const group = program.command('image').description('Images on the nodes of a lab')
  group
    .command('load <archive...>')
    .description('load OCI or docker archives (tar files) on every node')
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .action(load)
  group
    .command('ls')
    .description('list the images of every node')
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .action(list)
}

async function load(archives: string[], { lab: name }: { lab: string }): Promise<void> {
  requireRoot()
  const lab = readDefinition(name)
  await askRunning(name, 'GET', '/status')
  const missing = archives.find((archive) => !existsSync(archive))
  if (missing) throw new Error(`Cannot load ${missing}: there is no such file`)
  const failures: string[] = []
  for (const archive of archives) {
    // A node that cannot take it is no reason to keep it from the others.
    const outcomes = await Promise.allSettled(lab.nodes.map((node) => loadOn(lab, node, archive)))
    const loaded = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value)
    for (const reference of new Set(loaded.flat()))
      console.log(`loaded ${reference} on ${loaded.length} of ${lab.nodes.length} nodes`)
    failures.push(...outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => (reason as Error).message))
  }
  if (failures.length > 0) throw new Error(failures.join('\n'))
}

async function list({ lab: name }: { lab: string }): Promise<void> {
  requireRoot()
  const lab = readDefinition(name)
  await askRunning(name, 'GET', '/status')
  for (const node of lab.nodes) {
    if (!runningInit(lab, node)) {
      console.error(`${node}   is switched off`)
      continue
    }
    const { stdout } = await run('ctr', [...address(lab, node), 'images', 'ls', '-q'])
    const names = stdout
      .split('\n')
      .filter((reference) => reference && !reference.startsWith('sha256:') && !reference.includes('@sha256:'))
    console.log(names.map((reference) => `${node}   ${reference}`).join('\n'))
  }
}

const address = (lab: LabDefinition, node: string) => [
  '--address',
  labPaths(lab.name).node(node).containerdSocket,
  '--namespace',
  'k8s.io',
]

/** Answers the names that the archive brought. Importing mounts file systems, so it happens inside the node. */
async function loadOn(lab: LabDefinition, node: string, archive: string): Promise<string[]> {
  const init = runningInit(lab, node)
  if (!init) throw new Error(`Cannot load ${archive} on ${node}: the node is switched off`)
  const [command, ...words] = inNode(init, ['ctr', '--namespace', 'k8s.io', 'images', 'import', '-'])
  const child = spawn(command!, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text: Buffer) => (output.stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (output.stderr += text.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  // ctr that fails closes its input early; its own words say more than the broken pipe.
  await pipeline(createReadStream(archive), child.stdin).catch(() => undefined)
  const code = await ended
  if (code !== 0) throw new Error(`Cannot load ${archive} on ${node}: ${output.stderr.trim() || `ctr ended with ${code}`}`)
  return [...output.stdout.matchAll(/^unpacking (\S+)/gm)].map((match) => match[1]!)
}
