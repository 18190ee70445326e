/** Every command that is about the lab rather than the cluster in it; `cli/` puts them beside its own. */
import { certs } from './commands/certs.ts'
import { image } from './commands/image.ts'
import { kubeconfig } from './commands/kubeconfig.ts'
import type { LabCommand } from './commands/lab-command.ts'
import { down } from './commands/down.ts'
import { labLogs } from './commands/logs.ts'
import { node } from './commands/node.ts'
import { standIn } from './commands/stand-in.ts'
import { status } from './commands/status.ts'
import { up } from './commands/up.ts'

export { DEFAULT_LAB } from './commands/lab-command.ts'
export { deleteLab } from './commands/delete.ts'

/** `kubelab delete` and `kubelab logs` serve objects too: `cli/commands/delete.ts` calls `deleteLab` when it names none. */
export const LAB_COMMANDS: readonly LabCommand[] = [up, down, status, labLogs, node, standIn, image, kubeconfig, certs]
