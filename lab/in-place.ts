/** The words that run a command where a process of the lab runs: in the control plane's network, or inside a node. */
import { controlPlaneNamespace, type LabDefinition } from './definition.ts'
import { inNode, runningInit } from './node-machine.ts'
import type { ProcessSpec } from './processes.ts'

const DIE_WITH_PARENT = ['setpriv', '--pdeathsig', 'TERM', '--']

/** What runs there gets a signal when whoever started it dies. */
export function inPlaceOf(
  lab: LabDefinition,
  { name, node }: Pick<ProcessSpec, 'name' | 'node'>,
  command: readonly string[],
): string[] {
  if (!node) return [...DIE_WITH_PARENT, 'nsenter', `--net=/run/netns/${controlPlaneNamespace(lab)}`, '--', ...command]
  const init = runningInit(lab, node)
  if (!init) throw new Error(`Cannot start ${name}: ${node} is switched off`)
  // Entering a PID namespace forks: the inner one passes the end of the outer one on.
  return [...DIE_WITH_PARENT, ...inNode(init, [...DIE_WITH_PARENT, ...command])]
}
