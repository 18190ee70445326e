/** What every store must hold to, run against each of them: see apiserver/storage/store.ts for the contract in words. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiError } from '../../api/status.ts'
import type { Store } from '../../apiserver/storage/store.ts'
import { openBench, record } from './store-bench.ts'
import { readsSuite } from './store-reads.ts'
import { resourcesSuite } from './store-resources.ts'
import { watchesSuite } from './store-watches.ts'
import { writesSuite } from './store-writes.ts'

export interface StoreUnderTest {
  store: Store
  /** Another store on the same data where there can be one, else the same. */
  other: Store
  compact: (revision: number) => Promise<void>
  /** A store whose window holds few events, on data of its own or shared. */
  withWindow: (events: number) => Promise<Store>
  close: () => Promise<void>
}

export function storeSuite(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let under: StoreUnderTest
    beforeAll(async () => void (under = await open()))
    afterAll(() => under.close())
    const opened = () => under

    writesSuite(opened)
    readsSuite(opened)
    watchesSuite(opened)
    resourcesSuite(opened)

    it('is healthy', async () => expect(await under.store.healthy()).toBeNull())

    it('ends its watches with 503 and refuses writes when it stops', async () => {
      const stopping = await under.withWindow(100)
      const { prefix, create } = openBench(stopping)
      const { ends } = record(stopping, prefix, stopping.revision())
      const waiting = stopping.reached(stopping.revision() + 100, 60_000)
      const refused = expect(waiting).rejects.toMatchObject({ code: 503 })
      await stopping.stop()
      await refused
      expect(ends.map(({ code }) => code)).toEqual([503])
      await expect(create('a')).rejects.toBeInstanceOf(ApiError)
      expect(await stopping.healthy()).not.toBeNull()
    })
  })
}
