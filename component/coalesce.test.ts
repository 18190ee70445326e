import { describe, expect, it } from 'vitest'
import { coalesce, endOfTurn } from './coalesce.ts'

/** Passes that each wait until the test lets them end. */
function gated() {
  const begun: PromiseWithResolvers<void>[] = []
  const pass = () => {
    const gate = Promise.withResolvers<void>()
    begun.push(gate)
    return gate.promise
  }
  return { begun, pass }
}

const fail = (error: unknown) => {
  throw error
}

describe('coalesced passes', () => {
  it('begin within the request that asks for the first', () => {
    const { begun, pass } = gated()
    coalesce(pass, { onError: fail }).request()
    expect(begun).toHaveLength(1)
  })

  it('are one more for all that was asked for during a pass', async () => {
    const { begun, pass } = gated()
    const passes = coalesce(pass, { onError: fail })
    for (let asked = 0; asked < 3; asked++) passes.request()
    expect(begun).toHaveLength(1)
    begun[0]!.resolve()
    await expect.poll(() => begun).toHaveLength(2)
    begun[1]!.resolve()
    await passes.settled()
    expect(begun).toHaveLength(2)
  })

  it('follow a pass that asks for another one itself', async () => {
    let count = 0
    const passes = coalesce(
      async () => {
        if (++count < 3) passes.request()
      },
      { onError: fail },
    )
    passes.request()
    await passes.settled()
    expect(count).toBe(3)
  })

  it('go on after one has failed, if they are asked to', async () => {
    const errors: unknown[] = []
    let count = 0
    const passes = coalesce(
      async () => {
        if (++count === 1) throw new Error('no luck')
      },
      { onError: (error) => void errors.push(String(error)) },
    )
    passes.request()
    await passes.settled()
    expect([count, errors]).toEqual([1, ['Error: no luck']])
    passes.request()
    await passes.settled()
    expect(count).toBe(2)
  })

  it('take together what is asked for while they gather', async () => {
    let count = 0
    const passes = coalesce(async () => void count++, { onError: fail, gather: endOfTurn })
    passes.request()
    expect(count).toBe(0)
    await Promise.resolve()
    passes.request()
    await passes.settled()
    expect(count).toBe(1)
  })

  it('begin no more once stopped, and the last one ends', async () => {
    const { begun, pass } = gated()
    const passes = coalesce(pass, { onError: fail })
    passes.request()
    passes.request()
    passes.stop()
    begun[0]!.resolve()
    await passes.settled()
    passes.request()
    expect(begun).toHaveLength(1)
  })
})
