/** Which few of a level's queues a flow may use: a hand dealt out of the deck by the flow's name, the same one every time. */
import { createHash } from 'node:crypto'

/** As upstream: the first 64 bits of a digest over the flow schema's name and what tells its flows apart. */
export function hashFlow(schema: string, distinguisher: string): bigint {
  return createHash('sha256').update(`${schema}\0${distinguisher}`).digest().readBigUInt64LE()
}

/**
 * `handSize` different cards out of `0 .. deckSize - 1`, each hand as likely as any other. Two flows may share a card; that they share
 * a whole hand is next to impossible, so who floods one hand leaves others a queue.
 */
export function dealHand(hash: bigint, deckSize: number, handSize: number): number[] {
  const hand: number[] = []
  // Ascending, to count the dealt cards below a place in what is left of the deck.
  const dealt: number[] = []
  let rest = hash
  for (let left = deckSize; hand.length < handSize; left--) {
    let card = Number(rest % BigInt(left))
    rest /= BigInt(left)
    let at = 0
    while (at < dealt.length && dealt[at]! <= card) {
      card++
      at++
    }
    dealt.splice(at, 0, card)
    hand.push(card)
  }
  return hand
}
