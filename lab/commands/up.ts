/** `kubelab up`: brings a lab up, new or as it was, says how far it is, and what to try next. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Option } from 'commander'
import { createApiClient } from '../../client/rest-client.ts'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { callControl, findStatus, type Step } from '../control.ts'
import { type LabDefinition, labPaths, PROXY_MODES, type ProxyMode, REPLACEABLE, stateRoot } from '../definition.ts'
import { startGuardian, wantRunning } from '../guardian.ts'
import { mergeContext, userKubeconfigPath } from '../user-kubeconfig.ts'
import { assertLabName, DEFAULT_LAB, type LabCommand, readDefinition, requireRoot, seconds } from './lab-command.ts'
import { waitForNodes } from '../wait-for-nodes.ts'

interface Options {
  lab: string
  nodes?: string
  internet?: boolean
  without?: string[]
  proxyMode?: ProxyMode
  wait: string
}

export const up: LabCommand = (program) => {
  program
    .command('up')
    .description('Bring up a lab: a control plane and nodes on this machine')
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .option('--nodes <count>', 'how many nodes a new lab gets (default: 3)')
    .option('--internet', 'let nodes and pods reach the internet; without it nothing leaves this machine')
    .option('--without <process...>', `leave out processes, to run others instead: ${REPLACEABLE.join(', ')}`)
    .addOption(new Option('--proxy-mode <mode>', 'how the kernels of a new lab keep the rules of services').choices(PROXY_MODES))
    .option('--wait <seconds>', 'how long to wait for all nodes to be Ready', '120')
    .action(bringUp)
}

async function bringUp(options: Options): Promise<void> {
  requireRoot()
  const began = performance.now()
  const lab = existingLab(options) ?? (await defineLab(options))
  const paths = labPaths(lab.name)
  const running = await findStatus(lab.name)
  console.log(
    `kubelab: ${running ? 'the lab is up already' : 'bringing up the lab'} "${lab.name}" with ${lab.nodes.length} node${lab.nodes.length === 1 ? '' : 's'}`,
  )
  const done = (name: string) => console.log(`  ✓ ${name.padEnd(30)} ${seconds(performance.now() - began)}`)
  if (!running) {
    await mkdir(paths.logs, { recursive: true, mode: 0o700 })
    await wantRunning(lab.name)
    startGuardian(lab.name, { node: process.execPath, script: path.join(path.dirname(process.argv[1]!), 'lab-supervisor.js') })
    await connectAndFollow(lab, (step) => done(step.name))
  }
  await mergeContext(lab.name, await readFile(paths.adminKubeconfig, 'utf8'))
  const client = createApiClient(await loadClientConfig({ path: paths.adminKubeconfig }))
  // Without kubelets it is for others to make the nodes ready.
  if (!lab.without?.includes('kubelet'))
    await waitForNodes(client, lab, Number(options.wait) * 1000, (node) => done(`${node} Ready`))
  console.log(whatNext(lab))
}

/** The supervisor's socket appears a moment after its start; the guardian's log says why when it does not. */
async function connectAndFollow(lab: LabDefinition, onStep: (step: Step) => void): Promise<void> {
  const deadline = performance.now() + 15_000
  for (;;) {
    try {
      await callControl(lab.name, 'GET', '/progress', (line) => onStep(line as Step))
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if ((code !== 'ENOENT' && code !== 'ECONNREFUSED') || performance.now() > deadline) {
        throw new Error(
          `Cannot bring up the lab: ${(error as Error).message}. Its log: ${labPaths(lab.name).logs}/lab-supervisor.log`,
          { cause: error },
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** A lab that was made keeps its shape: its nodes hold containers and volumes. */
function existingLab({ lab, nodes, internet, without, proxyMode }: Options): LabDefinition | undefined {
  assertLabName(lab)
  if (!existsSync(labPaths(lab).definition)) return undefined
  const definition = readDefinition(lab)
  if (nodes !== undefined && Number(nodes) !== definition.nodes.length) {
    throw new Error(
      `Cannot bring up "${lab}" with ${nodes} nodes: it was made with ${definition.nodes.length}. 'kubelab delete --lab ${lab}' first`,
    )
  }
  if (internet && !definition.internet) {
    throw new Error(`Cannot open "${lab}" to the internet: it was made without. 'kubelab delete --lab ${lab}' first`)
  }
  if (proxyMode && proxyMode !== (definition.proxyMode ?? 'iptables')) {
    throw new Error(
      `Cannot use ${proxyMode} for "${lab}": it was made with ${definition.proxyMode ?? 'iptables'}. 'kubelab delete --lab ${lab}' first`,
    )
  }
  if (without && without.toSorted().join() !== (definition.without ?? []).toSorted().join()) {
    throw new Error(
      `Cannot leave out ${without.join(', ')}: the lab "${lab}" was made with other parts. 'kubelab delete --lab ${lab}' first`,
    )
  }
  return definition
}

async function defineLab({ lab: name, nodes = '3', internet, without = [], proxyMode }: Options): Promise<LabDefinition> {
  const count = Number(nodes)
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new Error(`Cannot make a lab with "${nodes}" nodes: say a number from 1 to 100`)
  for (const process_ of without)
    if (!REPLACEABLE.includes(process_))
      throw new Error(`Cannot leave out "${process_}": what can be left out is ${REPLACEABLE.join(', ')}`)
  const lab: LabDefinition = {
    name,
    index: freeIndex(),
    nodes: Array.from({ length: count }, (_, index) => `node-${index + 1}`),
    internet: internet === true,
    ...(without.length > 0 && { without }),
    ...(proxyMode && { proxyMode }),
  }
  const file = labPaths(name).definition
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, `${JSON.stringify(lab, null, 2)}\n`)
  return lab
}

/** The lowest /24 that no other lab of this machine has. */
function freeIndex(): number {
  const taken = new Set(
    (existsSync(stateRoot) ? readdirSync(stateRoot) : [])
      .map((name) => path.join(stateRoot, name, 'lab.json'))
      .filter(existsSync)
      .map((file) => (JSON.parse(readFileSync(file, 'utf8')) as LabDefinition).index),
  )
  const free = Array.from({ length: 250 }, (_, index) => index).find((index) => !taken.has(index))
  if (free === undefined) throw new Error('Cannot make another lab: all 250 address ranges are taken')
  return free
}

const whatNext = (lab: LabDefinition) => (lab.without?.length ? whatIsMissing(lab, lab.without) : whatToTry(lab))

/** Where the parts left out find what they need; nothing here knows whether others run them. */
function whatIsMissing({ name }: LabDefinition, without: readonly string[]): string {
  const consequence = without.includes('kubelet') ? 'No node becomes Ready' : 'Their work is not done'
  const { kubeconfigs, pki } = labPaths(name)
  return `
The control plane is up, without ${without.join(', ')}. ${consequence} until you run what takes their place:
kubeconfigs for it are in ${kubeconfigs}, certificates in ${pki}.
Your kubeconfig (${userKubeconfigPath()}) points to the cluster.

  kubelab get nodes
  kubelab status${ofLab(name)}                                the processes of the lab
  kubelab delete${ofLab(name)}                                take it all away again`
}

const ofLab = (name: string) => (name === DEFAULT_LAB ? '' : ` --lab ${name}`)

const whatToTry = ({ name }: LabDefinition) => `
The cluster is ready. Your kubeconfig (${userKubeconfigPath()}) points to it: kubectl works, and so does kubelab.

  kubelab get nodes
  kubelab apply -f manifests/web.yaml           three pods on three nodes, behind a service
  kubelab get pods -o wide
  kubelab trace deployment/web                  every step from the apply to running containers
  kubelab status${ofLab(name)}                                the processes of the lab
  kubelab delete${ofLab(name)}                                take it all away again`
