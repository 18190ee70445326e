/** Load by `wrk` (Debian's): it costs about a tenth of what a client in Node does, on the cores that the servers need. */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import type { BenchServer, Rate } from './client.ts'

export interface Load {
  clients: number
  /** Length of a read. */
  seconds: number
}

export interface Write {
  method: 'POST' | 'PATCH' | 'DELETE'
  /** `{i}` in path and body is the number of the request, from 0; `{digit}` its last digit. */
  path: string
  body?: unknown
  contentType?: string
  status: number
  count: number
}

const script = path.join(import.meta.dirname, 'requests.lua')
/** wrk wants a time; the script ends it when the last answer is there. */
const FOR_EVER = 600

export async function read({ url, token }: BenchServer, { clients, seconds }: Load, target: string): Promise<Rate> {
  const stdout = await wrk(token, ['-t1', `-c${clients}`, `-d${seconds}s`, '--latency', url + target])
  if (/Non-2xx/.test(stdout)) throw new Error(`GET ${target}: ${stdout}`)
  const time = (share: string) => toMs(new RegExp(`${share}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout))
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? 0)
  return {
    count: number(/(\d+) requests in/),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50: time('50'),
    p99: time('99'),
  }
}

export async function write({ url, token }: BenchServer, { clients }: Load, work: Write): Promise<Rate> {
  const { method, count, status, contentType = 'application/json', path: target, body } = work
  const requests = [method, String(count), String(status), contentType, target]
  if (body !== undefined) requests.push(JSON.stringify(body))
  const stdout = await wrk(token, ['-t1', `-c${clients}`, `-d${FOR_EVER}s`, '-s', script, url, '--', ...requests])
  const line = stdout.split('\n').find((each) => each.startsWith('{"requests"'))
  if (!line) throw new Error(`${method} ${target}: ${stdout}`)
  const { requests: done, microseconds, p50, p99 } = JSON.parse(line) as Record<string, number>
  return {
    count: done ?? 0,
    perSecond: ((done ?? 0) * 1_000_000) / (microseconds ?? 1),
    p50: (p50 ?? 0) / 1000,
    p99: (p99 ?? 0) / 1000,
  }
}

async function wrk(token: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('wrk', ['-H', `Authorization: Bearer ${token}`, ...args])
    return stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('Cannot make load: install wrk', { cause: error })
    throw error
  }
}

const toMs = (match: RegExpExecArray | null) => Number(match?.[1] ?? 0) * ({ us: 0.001, ms: 1, s: 1000 }[match?.[2] ?? 'ms'] ?? 1)
