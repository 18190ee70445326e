import { describe, expect, test } from 'vitest'
import { dealHand, hashFlow } from './shuffle-shard.ts'

describe('a hand of queues', () => {
  test.each([
    [0n, 8, 3, [0, 1, 2]],
    // 7, then 6 of the seven that are left, then 5 of six.
    [7n + 8n * (6n + 7n * 5n), 8, 3, [7, 6, 5]],
    // The third card left over is the fourth of the deck: one below it was dealt.
    [3n + 8n * (3n + 7n * 3n), 8, 3, [3, 4, 5]],
    [5n + 8n * (0n + 7n * 4n), 8, 3, [5, 0, 6]],
    [12_345n, 1, 1, [0]],
  ])('by %s out of %s cards, %s of them, is %j', (hash, deck, size, hand) => {
    expect(dealHand(hash, deck, size)).toEqual(hand)
  })

  test('has every card once, and each hand is as likely as any other', () => {
    const seen = new Map<string, number>()
    for (let hash = 0n; hash < 5n * 4n * 3n; hash++) {
      const hand = dealHand(hash, 5, 3)
      expect(new Set(hand).size).toBe(3)
      const cards = hand.toSorted().join('')
      seen.set(cards, (seen.get(cards) ?? 0) + 1)
    }
    expect([...seen.values()]).toEqual(Array.from({ length: 10 }, () => 6))
  })

  test('is the same for a flow every time, and another one for another flow', () => {
    const hand = (schema: string, user: string) => dealHand(hashFlow(schema, user), 128, 6)
    expect(hand('a', 'eve')).toEqual(hand('a', 'eve'))
    expect(hand('a', 'eve')).not.toEqual(hand('a', 'ann'))
    expect(hand('a', 'beve')).not.toEqual(hand('ab', 'eve'))
  })

  test('leaves nobody of a hundred without a queue that a flooding one has not', () => {
    const flood = new Set(dealHand(hashFlow('service-accounts', 'eve'), 128, 6))
    for (let i = 0; i < 100; i++)
      expect(dealHand(hashFlow('service-accounts', `user-${i}`), 128, 6).some((queue) => !flood.has(queue))).toBe(true)
  })
})
