/** Waits for a server that was just started. Nothing can be watched before it listens, so these ask again at short intervals. */
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect } from 'node:net'
import type { Pki } from './certificates.ts'

const AGAIN_MS = 15

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

async function until(what: string, signal: AbortSignal, timeoutMs: number, attempt: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await attempt())) {
    signal.throwIfAborted()
    if (performance.now() > deadline) throw new Error(`Cannot reach ${what}: it did not answer in ${timeoutMs / 1000} s`)
    await pause(AGAIN_MS)
  }
}

/** The API server says that it serves: etcd answers and the cache is complete. */
export async function waitForApi(url: string, pki: Pki, signal: AbortSignal, timeoutMs = 60_000): Promise<void> {
  const [ca, cert, key] = await Promise.all(
    [pki.ca.certificate, pki.admin.certificate, pki.admin.key].map((file) => readFile(file)),
  )
  await until(
    url,
    signal,
    timeoutMs,
    () =>
      new Promise((resolve) => {
        const call = request(`${url}/readyz`, { ca, cert, key, agent: false, timeout: 2_000 }, (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode === 200))
          response.on('error', () => resolve(false))
        })
        call.on('timeout', () => call.destroy())
        call.on('error', () => resolve(false))
        call.end()
      }),
  )
}

export const waitForSocket = (path: string, signal: AbortSignal, timeoutMs = 60_000): Promise<void> =>
  until(
    path,
    signal,
    timeoutMs,
    () =>
      new Promise((resolve) => {
        const socket = connect(path)
        socket.on('connect', () => {
          socket.destroy()
          resolve(true)
        })
        socket.on('error', () => resolve(false))
      }),
  )
