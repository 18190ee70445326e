/** A process that is surely the same one later: its id together with when it started. */
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  pid: number
  /** Clock ticks after boot: field 22 of /proc/PID/stat. */
  startTime: string
  name: string
}

export function readIdentity(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name is in parentheses and may hold any character, a closing parenthesis too.
    const end = stat.lastIndexOf(')')
    const fields = stat.slice(end + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return { pid, startTime: fields[19]!, name: stat.slice(stat.indexOf('(') + 1, end) }
  } catch {
    return undefined
  }
}

export const isAlive = (identity: ProcessIdentity): boolean => readIdentity(identity.pid)?.startTime === identity.startTime
