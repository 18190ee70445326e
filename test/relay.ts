/** A TCP relay that a test can cut or silence: a network of one cable. */
import { connect, createServer, type Socket } from 'node:net'

export interface Relay {
  endpoint: string
  /** Ends every connection and refuses new ones. */
  cut(): void
  /** Carries nothing, and closes nothing: what a lost network looks like. */
  silence(): void
  mend(): void
  close(): Promise<void>
}

export async function startRelay(target: string): Promise<Relay> {
  const { port } = new URL(target)
  const sockets = new Set<Socket>()
  let state: 'open' | 'cut' | 'silent' = 'open'
  const server = createServer((inner) => {
    if (state === 'cut') return inner.destroy()
    const outer = connect(Number(port), '127.0.0.1')
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from)
      from.on('data', (data) => void (state === 'open' && to.write(data)))
      from.on('error', () => to.destroy())
      from.on('close', () => (sockets.delete(from), to.destroy()))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    endpoint: `https://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut() {
      state = 'cut'
      drop()
    },
    silence: () => void (state = 'silent'),
    mend: () => void (state = 'open'),
    close() {
      drop()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
