/**
 * Makes a lab survive the death of its own supervisor: a shell loop waits for the supervisor's lock and starts it again.
 *
 * The supervisor holds the lock on file descriptor 3. When the guardian dies, the kernel tells the supervisor (SIGUSR1), which
 * starts another guardian; that one waits for the lock. So either may be killed, in any order.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { labPaths } from './definition.ts'

const wantedFile = (lab: string) => path.join(labPaths(lab).run, 'wanted')

const LOOP = `
while [ -e "$WANTED" ]; do
  (
    exec 3>"$LOCK"
    flock 3
    [ -e "$WANTED" ] || exit 0
    exec setpriv --pdeathsig USR1 -- "$NODE" --no-warnings --expose-gc --max-semi-space-size=1 "$SUPERVISOR" --lab="$LAB" >>"$LOG" 2>&1
  )
  sleep 1
done`

/** Starts a guardian that outlives this process. */
export function startGuardian(lab: string, supervisor: { node: string; script: string }): void {
  const paths = labPaths(lab)
  const child = spawn('sh', ['-c', LOOP], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ignore'],
    cwd: '/',
    env: {
      ...process.env,
      WANTED: wantedFile(lab),
      LOCK: path.join(paths.run, 'supervisor.lock'),
      LOG: path.join(paths.logs, 'lab-supervisor.log'),
      NODE: supervisor.node,
      SUPERVISOR: supervisor.script,
      LAB: lab,
    },
  })
  child.unref()
}

/** Says that the lab is to run; as long as that stands, guardians start supervisors. */
export async function wantRunning(lab: string): Promise<void> {
  // Nobody else has business in it: who may open the lock may hold it, too.
  await mkdir(labPaths(lab).run, { recursive: true, mode: 0o700 })
  await chmod(labPaths(lab).run, 0o700)
  await writeFile(wantedFile(lab), '')
}

export const isWanted = (lab: string) => existsSync(wantedFile(lab))
export const wantStopped = (lab: string) => rm(wantedFile(lab), { force: true })
