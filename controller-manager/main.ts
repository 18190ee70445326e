/** kube-controller-manager: wiring only. */
import { createDelegatedAuthorization } from '../client/delegated-authorization.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import { loadComponentConfig } from '../client/kubeconfig.ts'
import { runWithLeaderElection } from '../client/leader-election.ts'
import { leaseSettings } from '../client/leader-flags.ts'
import { createApiClient, createElectionClient } from '../client/rest-client.ts'
import { systemClock as clock } from '../component/clock.ts'
import { FlagError, parseFlags } from '../component/flags.ts'
import { createHealth } from '../component/health.ts'
import { createLogger, type LogLevel } from '../component/logger.ts'
import { createMetrics } from '../component/metrics.ts'
import { serve } from '../component/serve.ts'
import { loadServingCertificate } from '../component/serving-certificate.ts'
import { orExit, runUntilSignal } from '../component/shutdown.ts'
import { createControllerClients } from './controller-clients.ts'
import { unknownControllers } from './controllers.ts'
import { FLAGS } from './flags.ts'
import { runControllers } from './run-controllers.ts'

const component = 'kube-controller-manager'

const flags = orExit(() => {
  const parsed = parseFlags(FLAGS, process.argv.slice(2), component).flags
  const [unknown] = unknownControllers(parsed.controllers)
  if (unknown) throw new FlagError(`"${unknown}" is not in the list of known controllers`)
  return parsed
})
const logger = createLogger({ component, level: flags['log-level'] as LogLevel, format: flags['log-format'] as 'text' | 'json' })

await runUntilSignal(
  async (signal) => {
    const config = await loadComponentConfig(flags.kubeconfig)
    const client = createApiClient(config, { userAgent: component })
    const metrics = createMetrics()
    const clients = createControllerClients(config, client, flags['use-service-account-credentials'], clock)
    const served = await serve({
      tls: await loadServingCertificate(
        flags['tls-cert-file'],
        flags['tls-private-key-file'],
        flags['client-ca-file'],
        component,
      ),
      host: flags['bind-address'],
      port: flags['secure-port'],
      health: createHealth(),
      metrics,
      authorize: createDelegatedAuthorization(client, { clock, logger }),
      logger,
    })
    const lead = (term: AbortSignal) => runControllers({ client, clientFor: clients.create, clock, logger, metrics, flags }, term)
    const recorder = createEventRecorder({ client, clock, logger, component })
    const electing = createElectionClient(config, component, flags['leader-elect-renew-deadline'])
    const candidate = { client: electing, clock, logger, recorder, name: component, ...leaseSettings(flags) }
    const finished = flags['leader-elect'] ? runWithLeaderElection(candidate, lead, signal) : lead(signal)
    return {
      failed: finished,
      async stop() {
        await finished.catch(() => {})
        await Promise.all([served.close(), clients.close()])
        await Promise.all([electing.close(), client.close()])
      },
    }
  },
  { logger },
)
