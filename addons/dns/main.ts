/** The cluster DNS process: answers for the cluster's names from its caches. Wiring only. */
import { createApiClient } from '../../client/rest-client.ts'
import { loadComponentConfig } from '../../client/kubeconfig.ts'
import { createSharedInformers } from '../../client/shared-informers.ts'
import { systemClock } from '../../component/clock.ts'
import { defineFlags, parseFlags } from '../../component/flags.ts'
import { createLogger } from '../../component/logger.ts'
import { orExit, runUntilSignal } from '../../component/shutdown.ts'
import { createForwarder } from './forward.ts'
import { serveDns } from './server.ts'
import { type ClusterView, serviceIndexes, sliceIndexes } from './zone.ts'

const FLAGS = defineFlags({
  kubeconfig: { type: 'string', description: 'How to reach the API server. Without it: as the service account of the pod.' },
  domain: { type: 'string', default: 'cluster.local', description: 'The domain of the cluster.' },
  address: { type: 'string', default: '0.0.0.0', description: 'Where to listen, UDP and TCP.' },
  port: { type: 'int', default: 53, description: 'Port to listen on.' },
  ttl: { type: 'int', default: 5, description: 'Seconds that clients may keep an answer.' },
  'lameduck-seconds': {
    type: 'int',
    default: 2,
    description: 'How long to go on answering after a signal to end: until then some proxy may still send questions here.',
  },
  upstream: {
    type: 'list',
    default: [],
    description: 'Resolvers for other names, host or host#port. None: such names do not exist.',
  },
})

const { flags } = orExit(() => parseFlags(FLAGS, process.argv.slice(2), 'kube-dns'))
const logger = createLogger({ component: 'kube-dns' })

await runUntilSignal(
  async (signal) => {
    const client = createApiClient(await loadComponentConfig(flags.kubeconfig))
    const informers = createSharedInformers(client, { clock: systemClock, logger, signal })
    const services = informers.informer('Service')
    const slices = informers.informer('EndpointSlice')
    const namespaces = informers.informer('Namespace')
    services.addIndexes(serviceIndexes)
    slices.addIndexes(sliceIndexes)
    informers.start()
    const cluster: ClusterView = {
      service: (namespace, name) => services.store.get({ namespace, name }),
      namespace: (name) => namespaces.store.get({ name }),
      slices: (namespace, service) => slices.store.byIndex('service', `${namespace}/${service}`),
      serviceByAddress: (address) => services.store.byIndex('address', address)[0],
      slicesByAddress: (address) => slices.store.byIndex('address', address),
    }
    await informers.whenSynced()
    const forward = flags.upstream.length > 0 ? createForwarder(flags.upstream, systemClock) : null
    const server = await serveDns(
      { cluster, domain: flags.domain, ttl: flags.ttl, forward },
      { address: flags.address, port: flags.port, logger },
    )
    logger.info('answering', { address: flags.address, port: server.port, domain: flags.domain })
    return {
      async stop() {
        await systemClock.sleep(flags['lameduck-seconds'] * 1000)
        await server.close()
      },
    }
  },
  { logger },
)
