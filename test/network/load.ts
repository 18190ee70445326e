/** Requests without a pause until it is told to stop: each on a connection of its own, so that each is routed anew. */
import { get } from 'node:http'

export interface Tally {
  /** Requests answered, by the name that answered. */
  answers: Record<string, number>
  failures: string[]
}

const TIMEOUT_MS = 30_000

function request(url: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = get(url, { agent: false, headers, timeout: TIMEOUT_MS }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('error', reject)
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text.trim()}`)),
      )
    })
    call.on('timeout', () => call.destroy(new Error('no answer in time')))
    call.on('error', reject)
  })
}

export async function load(url: string, stop: AbortSignal, headers: Record<string, string> = {}): Promise<Tally> {
  const tally: Tally = { answers: {}, failures: [] }
  const worker = async () => {
    while (!stop.aborted) {
      try {
        const name = await request(url, headers)
        tally.answers[name] = (tally.answers[name] ?? 0) + 1
      } catch (error) {
        tally.failures.push(String(error))
      }
      // Constant, not a flood: the machine has other work in this test.
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  await Promise.all([worker(), worker()])
  return tally
}

// As a program inside a pod: until its input ends.
if (import.meta.main) {
  const stop = new AbortController()
  process.stdin.on('end', () => stop.abort()).resume()
  console.log(JSON.stringify(await load(process.argv[2]!, stop.signal)))
}
