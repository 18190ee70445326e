/** What a controller is started with, and the two shapes one may have: a pure `Controller`, or a runner of its own. */
import type { KindName } from '../api/kinds.ts'
import type { Controller } from '../client/controller.ts'
import { runController, type ControllerContext } from '../client/run-controller.ts'
import type { ControllerManagerFlags } from './flags.ts'
import type { MetadataMonitors } from './metadata-monitors.ts'

export interface Setup {
  context: ControllerContext
  flags: ControllerManagerFlags
  /** Shared by those who look at every kind; made when the first asks. */
  monitors: () => Promise<MetadataMonitors>
  signal: AbortSignal
}

export interface ControllerEntry {
  /** Upstream's name, as `--controllers` takes it. */
  name: string
  /** The source that events show, where it is not the name. */
  eventSource?: string
  /** It works under the manager's own identity, also when the others have each their own: no upstream role is meant for it. */
  asManager?: boolean
  /** Null: the flags give it nothing to do. Otherwise settles when the controller has stopped. */
  start: (setup: Setup) => Promise<void> | null
}

export const pure = <K extends KindName, Observed>(
  controller: Controller<K, Observed>,
  eventSource?: string,
): ControllerEntry => ({
  name: controller.name,
  ...(eventSource ? { eventSource } : {}),
  start: ({ context, signal }) => runController(controller, context, signal).finished,
})

/** One that takes its settings from the flags; null when they leave it nothing to do. */
export const configured = <K extends KindName, Observed>(
  name: string,
  create: (flags: ControllerManagerFlags) => Controller<K, Observed> | null,
  eventSource?: string,
): ControllerEntry => ({
  name,
  ...(eventSource ? { eventSource } : {}),
  start({ context, flags, signal }) {
    const controller = create(flags)
    return controller && runController(controller, context, signal).finished
  },
})

/** Two halves under one name: they can only be run together. */
export const both = (first: ControllerEntry, second: ControllerEntry): ControllerEntry => ({
  ...first,
  start(setup) {
    const running = [first.start(setup), second.start(setup)].filter((each) => each !== null)
    return running.length > 0 ? Promise.all(running).then(() => {}) : null
  },
})
