/** `kubelab up`: brings a lab up, new or as it was, says how far it is, and what to try next. */
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { Option } from 'commander'
import { createApiClient } from '../../client/rest-client.ts'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { callControl, findStatus, isNobodyThere, type Step } from '../control.ts'
import { hostInterface, type LabDefinition, labPaths, labRange, PROXY_MODES, type ProxyMode, REPLACEABLE } from '../definition.ts'
import { startGuardian, wantRunning } from '../guardian.ts'
import { findOrMakeLab } from '../known-labs.ts'
import { interfaceIn } from '../taken-ranges.ts'
import { mergeContext, userKubeconfigPath } from '../user-kubeconfig.ts'
import { assertLabName, DEFAULT_LAB, type LabCommand, ofLab, requireRoot, seconds } from './lab-command.ts'
import { tellingTrouble } from '../trouble.ts'
import { waitForNodes, whereToLook } from '../wait-for-nodes.ts'

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
    .option('--wait <seconds>', 'how long to wait for the control plane, and then for all nodes to be Ready', '120')
    .action(bringUp)
}

async function bringUp(options: Options): Promise<void> {
  requireRoot()
  const began = performance.now()
  assertLabName(options.lab)
  const lab = await findOrMakeLab(options.lab, (index) => defineLab(options, index))
  assertSameShape(lab, options)
  const waitMs = Number(options.wait) * 1000
  const paths = labPaths(lab.name)
  const running = await findStatus(lab.name)
  if (!running) assertReachable(lab)
  const nodes = `${lab.nodes.length} node${lab.nodes.length === 1 ? '' : 's'}`
  console.log(
    running
      ? `kubelab: the lab "${lab.name}" runs already, with ${nodes}`
      : `kubelab: bringing up the lab "${lab.name}" with ${nodes}`,
  )
  const done = (name: string) => console.log(`  ✓ ${name.padEnd(30)} ${seconds(performance.now() - began)}`)
  if (!running) {
    await mkdir(paths.logs, { recursive: true, mode: 0o700 })
    await wantRunning(lab.name)
    process.once('SIGINT', () => leave(lab.name))
    startGuardian(lab.name, { node: process.execPath, script: path.join(path.dirname(process.argv[1]!), 'lab-supervisor.js') })
    await tellingTrouble(
      lab.name,
      connectAndFollow(lab, waitMs, (step) => done(step.name)),
      console.log,
    )
  }
  await mergeContext(lab.name, await readFile(paths.adminKubeconfig, 'utf8'))
  const client = createApiClient(await loadClientConfig({ path: paths.adminKubeconfig }))
  // Without kubelets it is for others to make the nodes ready.
  if (!lab.without?.includes('kubelet'))
    await tellingTrouble(
      lab.name,
      waitForNodes(client, lab, waitMs, (node) => done(`${node} Ready`)),
      console.log,
    )
  console.log(whatNext(lab))
}

/** A network of the machine that came after the lab was made. */
function assertReachable(lab: LabDefinition): void {
  const { [hostInterface(lab)]: _own, ...others } = networkInterfaces()
  const taken = interfaceIn(lab.index, others)
  if (taken)
    throw new Error(
      `Cannot bring up "${lab.name}": its addresses, ${labRange(lab)}, are on the interface ${taken} of this machine. ` +
        `Give that another range; or 'kubelab delete${ofLab(lab.name)}', and a new lab has another`,
    )
}

/** Ctrl-C ends the waiting; the lab is its supervisor's by then. */
function leave(lab: string): never {
  console.log(
    `\nkubelab: the lab goes on coming up. 'kubelab up${ofLab(lab)}' waits for it, 'kubelab delete${ofLab(lab)}' takes it away`,
  )
  process.exit(130)
}

/** The supervisor's socket appears a moment after its start; the guardian's log says why when it does not. */
async function connectAndFollow(lab: LabDefinition, waitMs: number, onStep: (step: Step) => void): Promise<void> {
  const deadline = performance.now() + 15_000
  const signal = AbortSignal.timeout(waitMs)
  for (;;) {
    try {
      await callControl(lab.name, 'GET', '/progress', (line) => onStep(line as Step), signal)
      return
    } catch (error) {
      if (signal.aborted)
        throw new Error(`Cannot wait longer: the control plane is not up after ${waitMs / 1000} s. ${whereToLook(lab.name)}`, {
          cause: error,
        })
      if (!isNobodyThere(error) || performance.now() > deadline) {
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
function assertSameShape(definition: LabDefinition, { lab, nodes, internet, without, proxyMode }: Options): void {
  const has = definition.nodes.length
  if (nodes !== undefined && Number(nodes) !== has) {
    const way =
      Number(nodes) > has ? `'kubelab node add${ofLab(lab)}' adds one while it runs` : `'kubelab delete --lab ${lab}' first`
    throw new Error(`Cannot bring up "${lab}" with ${nodes} nodes: it has ${has}. ${way}`)
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
}

function defineLab({ lab: name, nodes = '3', internet, without = [], proxyMode }: Options, index: number): LabDefinition {
  const count = Number(nodes)
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new Error(`Cannot make a lab with "${nodes}" nodes: say a number from 1 to 100`)
  for (const process_ of without)
    if (!REPLACEABLE.includes(process_))
      throw new Error(`Cannot leave out "${process_}": what can be left out is ${REPLACEABLE.join(', ')}`)
  return {
    name,
    index,
    nodes: Array.from({ length: count }, (_, number) => `node-${number + 1}`),
    internet: internet === true,
    ...(without.length > 0 && { without }),
    ...(proxyMode && { proxyMode }),
  }
}

const whatNext = (lab: LabDefinition) =>
  `${lab.without?.length ? whatIsMissing(lab, lab.without) : whatToTry(lab)}${ifNotInPath()}`

/** Where the parts left out find what they need; nothing here knows whether others run them. */
function whatIsMissing({ name }: LabDefinition, without: readonly string[]): string {
  const consequence = without.includes('kubelet') ? 'No node becomes Ready' : 'Their work is not done'
  const { kubeconfigs, pki } = labPaths(name)
  return `
The control plane is up, without ${without.join(', ')}. ${consequence} until you run what takes their place:
kubeconfigs for it are in ${kubeconfigs}, certificates in ${pki}.
Your kubeconfig (${userKubeconfigPath()}) points to the cluster.

${commandList([
  [`stand-in${ofLab(name)}`, 'what was left out, and where it would run'],
  [`stand-in${ofLab(name)} PROCESS`, 'how ours would be run'],
  [`stand-in${ofLab(name)} PROCESS -- COMMAND`, 'runs yours in its place'],
  ...aboutTheLab(name),
])}`
}

const whatToTry = ({ name }: LabDefinition) => `
The cluster is ready. Your kubeconfig (${userKubeconfigPath()}) points to it: kubectl works, and so does kubelab.

${commandList([
  ['get nodes'],
  ['apply -f manifests/web.yaml', 'three pods behind a service'],
  ['get pods -o wide'],
  ['trace deployment/web', 'every step from the apply to running containers'],
  ...aboutTheLab(name),
])}`

const aboutTheLab = (name: string): [string, string][] => [
  [`status${ofLab(name)}`, 'the processes of the lab'],
  [`delete${ofLab(name)}`, 'take it all away again'],
]

function commandList(commands: readonly [string, string?][]): string {
  const width = Math.max(...commands.map(([command]) => command.length)) + 3
  return commands.map(([command, what = '']) => `  kubelab ${command.padEnd(width)}${what}`.trimEnd()).join('\n')
}

/** The bundles are in `dist`, the command beside it in `bin`. */
function ifNotInPath(): string {
  const bin = path.resolve(path.dirname(process.argv[1]!), '../bin')
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  if (!existsSync(path.join(bin, 'kubelab')) || folders.some((folder) => existsSync(path.join(folder, 'kubelab')))) return ''
  return `\n\nThe shell finds kubelab after: export PATH=$PATH:${bin}`
}
