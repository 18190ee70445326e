/** `kubelab node stop|start`: a power cut on a node, and its return; `kubelab node add`: another one joins. */
import { createApiClient } from '../../client/rest-client.ts'
import { loadClientConfig } from '../../client/kubeconfig.ts'
import { labPaths } from '../definition.ts'
import { waitForNodes } from '../wait-for-nodes.ts'
import { askRunning, DEFAULT_LAB, type LabCommand, readDefinition, requireRoot } from './lab-command.ts'

export const node: LabCommand = (program) => {
  const group = program.command('node').description('Switch a node of a lab off and on, or add one')
  for (const [verb, description, said] of [
    ['stop', 'cut the power of a node: every process on it ends at once', 'stopped'],
    ['start', 'switch a node on again', 'started'],
  ] as const) {
    group
      .command(`${verb} <node>`)
      .description(description)
      .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
      .action(async (name: string, { lab }: { lab: string }) => {
        requireRoot()
        readDefinition(lab)
        await askRunning(lab, 'POST', `/nodes/${name}/${verb}`)
        console.log(`node/${name} ${said}`)
      })
  }
  group
    .command('add [node]')
    .description('add a node to a running lab: it joins by a bootstrap token and asks for its certificates (default: node-N)')
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .option('--wait <seconds>', 'how long to wait for it to be Ready', '120')
    .action(add)
}

async function add(given: string | undefined, { lab: name, wait }: { lab: string; wait: string }): Promise<void> {
  requireRoot()
  const lab = readDefinition(name)
  const node = given ?? `node-${lab.nodes.length + 1}`
  await askRunning(name, 'POST', `/nodes/${node}/add`)
  console.log(`node/${node} added`)
  if (lab.without?.includes('kubelet')) return
  const client = createApiClient(await loadClientConfig({ path: labPaths(name).adminKubeconfig }))
  await waitForNodes(client, { ...lab, nodes: [node] }, Number(wait) * 1000, () => console.log(`node/${node} Ready`))
  await client.close()
}
