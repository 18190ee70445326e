/** Asks a DNS server by UDP, with so many questions under way at any moment, as pods do: names that are, names that are not. */
import { createSocket } from 'node:dgram'
import { encode, RECURSION_DESIRED } from 'dns-packet'

export interface Load {
  answered: number
  lost: number
  seconds: number
  /** Sorted, in milliseconds. */
  latencies: Float64Array
}

const TIMEOUT_MS = 1_000

export async function loadDns(port: number, { seconds, inFlight }: { seconds: number; inFlight: number }): Promise<Load> {
  const questions = Array.from({ length: 1_000 }, (_, index) => {
    const name = `web-${index}.shop.svc.cluster.local`
    // One in five is a search domain that does not fit, one in ten asks for IPv6.
    const question =
      index % 5 === 1
        ? { type: 'A' as const, name: `${name}.shop.svc.cluster.local` }
        : { type: index % 10 === 2 ? ('AAAA' as const) : ('A' as const), name }
    return Buffer.from(encode({ type: 'query', id: 0, flags: RECURSION_DESIRED, questions: [question] }))
  })
  const sent = new Map<number, number>()
  const latencies: number[] = []
  let next = 0
  let lost = 0
  const began = performance.now()
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  const ask = () => {
    next = (next + 1) & 0xffff
    const message = questions[next % questions.length]!
    message.writeUInt16BE(next, 0)
    sent.set(next, performance.now())
    socket.send(Buffer.from(message))
  }
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve))
  await new Promise<void>((resolve) => {
    socket.on('message', (answer) => {
      const id = answer.readUInt16BE(0)
      const at = sent.get(id)
      if (at === undefined) return
      sent.delete(id)
      latencies.push(performance.now() - at)
      if (performance.now() - began < seconds * 1000) ask()
      else if (sent.size === 0) resolve()
    })
    const check = setInterval(() => {
      const now = performance.now()
      for (const [id, at] of sent) {
        if (now - at < TIMEOUT_MS) continue
        sent.delete(id)
        lost += 1
        if (now - began < seconds * 1000) ask()
      }
      if (now - began < seconds * 1000 || sent.size > 0) return
      clearInterval(check)
      resolve()
    }, 100)
    for (let index = 0; index < inFlight; index++) ask()
  })
  socket.close()
  return {
    answered: latencies.length,
    lost,
    seconds: (performance.now() - began) / 1000,
    latencies: Float64Array.from(latencies).sort(),
  }
}
