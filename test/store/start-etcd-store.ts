/** A store on an etcd of the test, and a client that sees what is in there. */
import { systemClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import { EtcdClient } from '../../apiserver/storage/etcd-client.ts'
import { EtcdStore, type EtcdStoreOptions } from '../../apiserver/storage/etcd-store.ts'
import type { EtcdProcess } from '../etcd-process.ts'

export const clientOf = ({ endpoint, tls }: EtcdProcess) =>
  new EtcdClient({ endpoints: [endpoint], tls, clock: systemClock, logger: silentLogger })

export async function startStore({ endpoint, tls }: EtcdProcess, options: Partial<EtcdStoreOptions> = {}) {
  const store = new EtcdStore({ endpoints: [endpoint], tls, logger: silentLogger, compactionIntervalMs: 0, ...options })
  await store.start()
  return store
}
