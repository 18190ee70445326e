/** Starts every controller that the flags ask for on one set of informers, and ends when they have all stopped. */
import type { KubeObject } from '../api/object.ts'
import type { ApiClient } from '../client/api-client.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import { createSharedInformers } from '../client/shared-informers.ts'
import type { Clock } from '../component/clock.ts'
import type { Logger } from '../component/logger.ts'
import type { Metrics } from '../component/metrics.ts'
import { CONTROLLERS, isEnabled } from './controllers.ts'
import { clusterInfoName } from './controllers/bootstrap-signer.ts'
import { tokenTracking } from './controllers/legacy-token-cleaner.ts'
import { rootCaConfigMap } from './controllers/root-ca-publisher.ts'
import { bootstrapTokenType } from './controllers/token-cleaner.ts'
import type { ControllerManagerFlags } from './flags.ts'
import { createMetadataMonitors, type MetadataMonitors } from './metadata-monitors.ts'

/** Config maps whose content some controller reads. */
const readMaps = new Set([rootCaConfigMap, clusterInfoName, tokenTracking])
/** Secrets whose content some controller reads. */
const readSecrets = new Set(['kubernetes.io/service-account-token', bootstrapTokenType])

/** Upstream has five. A key's time is spent waiting for the API server, so more of them at once is what makes a burst short. */
const workers = 16

const withoutManagedFields = <T extends KubeObject>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, managedFields: undefined },
})

export interface RunOptions {
  client: ApiClient
  /** The client of one controller: its own identity when there is one for each, unless it works as the manager. */
  clientFor: (controller: string, asManager: boolean) => ApiClient
  clock: Clock
  logger: Logger
  metrics: Metrics
  flags: ControllerManagerFlags
}

export async function runControllers(options: RunOptions, signal: AbortSignal): Promise<void> {
  const { client, clientFor, clock, logger, metrics, flags } = options
  const informers = createSharedInformers(client, {
    clock,
    logger,
    signal,
    // Their content is none of our business, and may be large.
    ingest: {
      ConfigMap: (map) => (readMaps.has(map.metadata.name) ? map : { ...withoutManagedFields(map), data: {}, binaryData: {} }),
      Secret: (secret) => (readSecrets.has(secret.type ?? '') ? secret : { ...withoutManagedFields(secret), data: {} }),
    },
  })
  let monitors: Promise<MetadataMonitors> | undefined
  const started = CONTROLLERS.filter(({ name }) => isEnabled(name, flags.controllers)).flatMap(
    ({ name, eventSource, asManager = false, start }) => {
      const own = clientFor(name, asManager)
      const recorder = createEventRecorder({ client: own, clock, logger, component: eventSource ?? name })
      const context = { client: own, informers, recorder, clock, logger, metrics, workers }
      const running = start({
        context,
        flags,
        signal,
        monitors: () => (monitors ??= createMetadataMonitors({ client, informers, clock, logger, signal })),
      })
      if (running) logger.info('started controller', { controller: name })
      return running ? [running] : []
    },
  )
  informers.start()
  await Promise.all(started)
}
