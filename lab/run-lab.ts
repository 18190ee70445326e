/** A running lab, as its supervisor holds it: comes up, does what the command asks for, and goes. */
import type { Logger } from '../component/logger.ts'
import { bringUp } from './bring-up.ts'
import type { ControlTarget, LabStatus } from './control.ts'
import { type LabDefinition, labPaths, nodeAddress } from './definition.ts'
import { runningInit } from './node-machine.ts'
import { isSwitchedOff, switchOff, switchOn } from './node-power.ts'
import type { ProcessSpec, Programs } from './processes.ts'
import { createProgress } from './progress.ts'
import { renewCertificates, runRenewals } from './renewal.ts'
import { createRunningLab } from './running-lab.ts'
import type { Supervisor } from './supervisor.ts'
import { tearDown } from './tear-down.ts'
import { trimLogs } from './trim-logs.ts'

export async function runLab(
  definition: LabDefinition,
  programs: Programs,
  logger: Logger,
): Promise<{ control: ControlTarget; stopped: Promise<void> }> {
  const stopping = new AbortController()
  const { promise: stopped, resolve: markStopped } = Promise.withResolvers<void>()
  const running = createRunningLab(definition, programs, logger, stopping.signal)
  const { lab, supervisor } = running
  const progress = createProgress(logger)
  let phase: LabStatus['phase'] = 'starting'

  const startup = bringUp(running, progress).then((cluster) => {
    phase = 'running'
    return cluster
  })
  // Progress and stop both look at it; a failure nobody has asked for yet must not end the process unheard.
  startup.catch((error: unknown) => logger.error('cannot start the lab', { error }))
  const stopTrimming = trimLogs(labPaths(lab.name).logs, () => supervisor.states().map(({ name }) => name), logger)

  const renewals = runRenewals(async (renew) => {
    const { admin } = await startup
    const isOn = ({ node }: ProcessSpec) => !node || !isSwitchedOff(lab, node)
    const { pki, ...outcome } = await renewCertificates({ ...running, renew, specs: running.plan(isOn) })
    running.setPki(pki)
    await admin.refresh()
    return outcome
  }, logger)

  const control: ControlTarget = {
    status: () => ({
      name: lab.name,
      phase,
      steps: progress.steps,
      processes: supervisor.states(),
      leftOut: phase === 'starting' ? [] : running.leftOut(),
      nodes: lab.nodes.map((name) => ({ name, address: nodeAddress(lab, name), power: runningInit(lab, name) ? 'on' : 'off' })),
    }),
    progress: (onStep) => progress.follow(onStep, startup),
    stopNode: (node) => switchOff(running, node),
    startNode: (node) => switchOn(running, node),
    addNode: async (node) => (await startup).joining.takeIn(node),
    renewCertificates: renewals.renew,
    async stop() {
      phase = 'stopping'
      stopping.abort(new Error('the lab is being stopped'))
      stopTrimming()
      renewals.stop()
      await startup.catch(() => undefined)
      await stopAll(supervisor)
      await tearDown(lab)
      markStopped()
    },
  }
  return { control, stopped }
}

/** Servers after their clients: who holds a lease gives it back, or the next start waits for it to run out. */
async function stopAll(supervisor: Supervisor): Promise<void> {
  await supervisor.stop(({ name }) => name !== 'etcd' && name !== 'kube-apiserver')
  await supervisor.stop(({ name }) => name !== 'etcd')
  await supervisor.stop(() => true)
}
