/** Every verb of `kubelab`, in the groups and the order that help shows them. A new verb is a file in `commands/` and a line here. */
import type { Command } from 'commander'
import { LAB_COMMANDS } from '../lab/commands.ts'
import { annotate, label } from './commands/label.ts'
import { apiResources } from './commands/api-resources.ts'
import { apply } from './commands/apply.ts'
import { create } from './commands/create.ts'
import { deleteObjects } from './commands/delete.ts'
import { describe } from './commands/describe.ts'
import { exec } from './commands/exec.ts'
import { explain } from './commands/explain.ts'
import { expose } from './commands/expose.ts'
import { get } from './commands/get.ts'
import { logs } from './commands/logs.ts'
import { rollout } from './commands/rollout.ts'
import { scale } from './commands/scale.ts'
import { setImage } from './commands/set.ts'
import { trace } from './commands/trace.ts'
import { wait } from './commands/wait.ts'
import { why } from './commands/why.ts'
import type { Session } from './session.ts'

/** Adds itself to the program. `open` connects, once, when the command is run. */
export type CliCommand = (program: Command, open: () => Promise<Session>) => void

export interface CommandGroup {
  heading: string
  commands: readonly CliCommand[]
}

/** kubectl's groups, after our own. */
export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { heading: 'The Lab', commands: LAB_COMMANDS },
  { heading: 'Understanding', commands: [trace, why] },
  { heading: 'Basic Commands (Beginner)', commands: [create, expose, setImage] },
  { heading: 'Basic Commands (Intermediate)', commands: [explain, get, deleteObjects] },
  { heading: 'Deploy Commands', commands: [rollout, scale] },
  { heading: 'Troubleshooting and Debugging Commands', commands: [describe, logs, exec] },
  { heading: 'Advanced Commands', commands: [apply, wait] },
  { heading: 'Settings Commands', commands: [label, annotate] },
  { heading: 'Other Commands', commands: [apiResources] },
]
