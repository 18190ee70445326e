/** kube-scheduler: wiring only. */
import { createEventRecorder } from '../client/event-recorder.ts'
import { loadComponentConfig } from '../client/kubeconfig.ts'
import { runWithLeaderElection } from '../client/leader-election.ts'
import { leaseSettings } from '../client/leader-flags.ts'
import { createApiClient, createElectionClient } from '../client/rest-client.ts'
import { systemClock as clock } from '../component/clock.ts'
import { parseFlags } from '../component/flags.ts'
import { createHealth, ping } from '../component/health.ts'
import { createLogger } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { serve } from '../component/serve.ts'
import { orExit, runUntilSignal } from '../component/shutdown.ts'
import { loadSchedulerConfig } from './config.ts'
import { describeDebugAddress } from './why/debug-address.ts'
import { debugRoutes } from './why/debug-routes.ts'
import { schedulerFlags } from './scheduler-flags.ts'
import { createScheduler } from './scheduler.ts'
import { createDelegatedAuthorization } from '../client/delegated-authorization.ts'
import { loadServingCertificate } from '../component/serving-certificate.ts'
import { untilAborted } from '../component/until-aborted.ts'

const { flags } = orExit(() => parseFlags(schedulerFlags, process.argv.slice(2), 'kube-scheduler'))
const logger = createLogger({
  component: 'kube-scheduler',
  level: flags.v >= 4 ? 'debug' : 'info',
  format: flags['logging-format'],
})

await runUntilSignal(
  async (signal) => {
    const config = loadSchedulerConfig(flags.config)
    const connection = await loadComponentConfig(flags.kubeconfig ?? config.kubeconfig)
    const client = createApiClient(connection, { userAgent: 'kube-scheduler', connections: 16 })
    const metrics = createMetrics()
    const scheduler = createScheduler({ client, clock, logger, metrics, signal, ...config })
    const synced = () => (scheduler.hasSynced() ? null : 'informers have not synced')
    const health = createHealth([ping, { name: 'informer-sync', check: synced, on: ['readyz'] }])

    const files = [flags['tls-cert-file'], flags['tls-private-key-file'], flags['client-ca-file']] as const
    const tls = await loadServingCertificate(...files, 'kube-scheduler')
    const server = await serve({
      tls,
      host: flags['bind-address'],
      port: flags['secure-port'],
      health,
      metrics,
      routes: debugRoutes(scheduler),
      authorize: createDelegatedAuthorization(client, { clock, logger }),
      logger,
    })
    const recorder = createEventRecorder({ client, clock, logger, component: 'default-scheduler' })
    const { leaderElect = flags['leader-elect'], ...election } = config.leaderElection
    const annotations = describeDebugAddress(flags['bind-address'], server.port, tls.cert)
    const own = { name: 'kube-scheduler', annotations, ...leaseSettings(flags), ...election }
    const electing = createElectionClient(connection, 'kube-scheduler', own.renewDeadlineMs)
    const candidate = { client: electing, clock, logger, recorder, ...own }
    const schedule = async () => {
      // A stand-by keeps up, so that it can lead at once.
      await Promise.race([scheduler.follow(), untilAborted(signal)])
      if (leaderElect) await runWithLeaderElection(candidate, scheduler.run, signal)
      else await scheduler.run(signal)
    }
    const work = schedule()
    return {
      failed: work,
      async stop() {
        await work
        await server.close()
        await Promise.all([electing.close(), client.close()])
      },
    }
  },
  { logger },
)
