/** The ingress controller process: HAProxy, configured by the cluster's Ingress objects. Wiring only. */
import { createEventRecorder } from '../../client/event-recorder.ts'
import { loadComponentConfig } from '../../client/kubeconfig.ts'
import { createApiClient } from '../../client/rest-client.ts'
import { systemClock as clock } from '../../component/clock.ts'
import { defineFlags, parseFlags } from '../../component/flags.ts'
import { createLogger } from '../../component/logger.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { orExit, runUntilSignal } from '../../component/shutdown.ts'
import { createHaproxy } from './haproxy.ts'
import { runIngress } from './run-ingress.ts'

const FLAGS = defineFlags({
  kubeconfig: { type: 'string', description: 'How to reach the API server. Without it: as the service account of the pod.' },
  haproxy: { type: 'string', default: '/usr/sbin/haproxy', description: 'The HAProxy program.' },
  folder: { type: 'string', default: '/run/ingress', description: 'Where its configuration and certificates are written.' },
  service: { type: 'string', default: 'kube-system/ingress', description: 'The service in front, namespace/name.' },
})

const component = 'ingress-controller'
const { flags } = orExit(() => parseFlags(FLAGS, process.argv.slice(2), component))
const logger = createLogger({ component })

await runUntilSignal(
  async (signal) => {
    const client = createApiClient(await loadComponentConfig(flags.kubeconfig), { userAgent: component })
    const recorder = createEventRecorder({ client, clock, logger, component })
    const haproxy = createHaproxy(flags.haproxy, flags.folder, logger)
    const { cert, key } = await createSelfSigned('kubelab ingress', ['ingress.local'], [])
    const running = runIngress(
      {
        client,
        clock,
        logger,
        recorder,
        haproxy,
        folder: flags.folder,
        fallbackPem: `${cert}\n${key}\n`,
        service: flags.service,
      },
      signal,
    )
    return {
      failed: Promise.race([running, haproxy.failed]),
      async stop() {
        await running.catch(() => {})
        await haproxy.stop()
        await recorder.flush()
        await client.close()
      },
    }
  },
  { logger },
)
