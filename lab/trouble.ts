/** What keeps a lab from being well, and where to look: what a person should be told without having asked. */
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { findStatus, type LabStatus } from './control.ts'
import { labPaths } from './definition.ts'

/** Less than this and etcd, which sets 64 MB aside for each of its log files, may not live. */
const leastFreeBytes = 200 * 1024 * 1024
/** Whoever ended this often does not come back by itself. */
const manyRestarts = 3

/** Pure. */
export function troubleOf({ name, processes }: LabStatus, freeBytes: number): string[] {
  const failing = processes.filter(({ state, restarts }) => state === 'backoff' && restarts >= manyRestarts)
  return [
    ...(freeBytes < leastFreeBytes
      ? [`The disk of the lab is full: ${Math.floor(freeBytes / 1024 / 1024)} MB are left. Make room on it`]
      : []),
    ...failing.map((each) => `${each.name} cannot stay up: 'kubelab lab-logs ${each.name} --lab ${name}' says why`),
  ]
}

export async function troubleNow(status: LabStatus): Promise<string[]> {
  const { etcd, state } = labPaths(status.name)
  const { bavail, bsize } = await statfs(existsSync(etcd) ? etcd : state)
  return troubleOf(status, bavail * bsize)
}

const everyMs = 5_000

/** Waits for the work, and tells of each trouble once as it is seen: who waits should not have to ask. */
export async function tellingTrouble<T>(lab: string, work: Promise<T>, tell: (line: string) => void): Promise<T> {
  const told = new Set<string>()
  const look = async () => {
    const status = await findStatus(lab)
    for (const line of status ? await troubleNow(status) : []) {
      const about = line.split(':', 1)[0]!
      if (!told.has(about)) tell(line)
      told.add(about)
    }
  }
  // A look that fails is no trouble of the lab's; the work itself says what is.
  const timer = setInterval(() => void look().catch(() => undefined), everyMs)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}
