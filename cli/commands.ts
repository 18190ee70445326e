/** Every verb of `kubelab`, in the groups and the order that help shows them. A new verb is a file in `commands/` and a line here. */
import type { Command } from 'commander'
import { LAB_COMMANDS } from '../lab/commands.ts'
import { apiResources } from './commands/api-resources.ts'
import { apply } from './commands/apply.ts'
import { attach } from './commands/attach.ts'
import { auth } from './commands/auth.ts'
import { autoscale } from './commands/autoscale.ts'
import { certificate } from './commands/certificate.ts'
import { completion } from './commands/completion.ts'
import { config } from './commands/config.ts'
import { cp } from './commands/cp.ts'
import { create } from './commands/create.ts'
import { debug } from './commands/debug.ts'
import { deleteObjects } from './commands/delete.ts'
import { describe } from './commands/describe.ts'
import { diff } from './commands/diff.ts'
import { cordon, drain, uncordon } from './commands/drain.ts'
import { edit } from './commands/edit.ts'
import { events } from './commands/events.ts'
import { exec } from './commands/exec.ts'
import { explain } from './commands/explain.ts'
import { expose } from './commands/expose.ts'
import { get } from './commands/get.ts'
import { annotate, label } from './commands/label.ts'
import { logs } from './commands/logs.ts'
import { patch } from './commands/patch.ts'
import { portForward } from './commands/port-forward.ts'
import { replace } from './commands/replace.ts'
import { rollout } from './commands/rollout.ts'
import { run } from './commands/run.ts'
import { scale } from './commands/scale.ts'
import { set } from './commands/set.ts'
import { taint } from './commands/taint.ts'
import { top } from './commands/top.ts'
import { trace } from './commands/trace.ts'
import { apiVersions, clusterInfo, version } from './commands/versions.ts'
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
  { heading: 'Basic Commands (Beginner)', commands: [create, expose, run, set] },
  { heading: 'Basic Commands (Intermediate)', commands: [explain, get, edit, deleteObjects] },
  { heading: 'Deploy Commands', commands: [rollout, scale, autoscale] },
  { heading: 'Cluster Management Commands', commands: [certificate, clusterInfo, top, cordon, uncordon, drain, taint] },
  {
    heading: 'Troubleshooting and Debugging Commands',
    commands: [describe, logs, attach, exec, portForward, cp, auth, debug, events],
  },
  { heading: 'Advanced Commands', commands: [diff, apply, patch, replace, wait] },
  { heading: 'Settings Commands', commands: [label, annotate, completion] },
  { heading: 'Other Commands', commands: [apiResources, apiVersions, config, version] },
]
