/** Asks nodes whether they take traffic, again and again while anyone wants to know. */
import { get } from 'node:http'
import type { NodeHealth } from './compute-paths.ts'

const TIMEOUT_MS = 1_000

/** One question to a node's health port. */
export const probe = (address: string, port: number): Promise<NodeHealth['last']> =>
  new Promise((resolve) => {
    const call = get({ host: address, port, path: '/healthz', agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume()
      response.on('error', () => resolve('silent'))
      response.on('end', () => resolve(response.statusCode === 200 ? 'ok' : 'no'))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'))
  })
