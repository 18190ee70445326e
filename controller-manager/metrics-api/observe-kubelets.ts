/** Looks at all kubelets when somebody asks, and only then: nothing is collected while nobody does. */
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { readSamples, type Samples } from './read-samples.ts'

/** By node. */
export type Look = ReadonlyMap<string, Samples>

export interface Observation {
  before: Look
  after: Look
}

/** An answer this old is given again. */
const freshMs = 5_000
/** Beyond this the mean since the last look says little of now. */
const usefulMs = 90_000
/** The shortest time that a rate is taken over, when there is no earlier look. */
const waitMs = 1_000

interface Timed {
  at: number
  look: Look
}

export function createObserver(client: ApiClient, clock: Clock, logger: Logger): () => Promise<Observation> {
  let before: Timed | undefined
  let last: Timed | undefined
  let asking: Promise<Observation> | undefined

  const look = async (): Promise<Timed> => {
    const { items } = await client.list('Node', { resourceVersion: '0' })
    const looks = await Promise.all(
      items.map(async ({ metadata: { name } }): Promise<[string, Samples] | undefined> => {
        try {
          const text = await client.raw<string>('GET', `/api/v1/nodes/${name}/proxy/metrics/resource`, { accept: 'text/plain' })
          return [name, readSamples(text, clock.now())]
        } catch (error) {
          // A node that does not answer has no metrics; the others have.
          logger.debug('cannot read the metrics of a node', { node: name, error: String(error) })
          return undefined
        }
      }),
    )
    return { at: clock.now().getTime(), look: new Map(looks.filter((each) => each !== undefined)) }
  }
  const observe = async (): Promise<Observation> => {
    const now = clock.now().getTime()
    if (last && before && now - last.at < freshMs) return { before: before.look, after: last.look }
    if (!last || now - last.at > usefulMs) {
      last = await look()
      await clock.sleep(waitMs)
    }
    before = last
    last = await look()
    return { before: before.look, after: last.look }
  }
  return () => (asking ??= observe().finally(() => (asking = undefined)))
}
