/** Golden transcripts: what the workload controllers do, step by step. `npm run golden` rewrites them; people read the diff. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { createDaemonSetController } from './controllers/daemon-set.ts'
import { cronJob } from './controllers/cron-job.ts'
import { deployment } from './controllers/deployment.ts'
import { job } from './controllers/job.ts'
import { replicaSet } from './controllers/replica-set.ts'
import { replicationController } from './controllers/replication-controller.ts'
import { statefulSet } from './controllers/stateful-set.ts'
import { ttlAfterFinished } from './controllers/ttl-after-finished.ts'
import type { Runnable } from './model.ts'
import { tell } from './transcript.ts'

const FOLDER = path.resolve(import.meta.dirname, '../test/golden/controllers')
const stories = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.input.yaml'))
  .map((file) => file.replace('.input.yaml', ''))

/** New ones for each story: some remember. */
const controllers = (): Map<string, Runnable> =>
  new Map(
    [deployment, replicaSet, replicationController, statefulSet, createDaemonSetController(), job, cronJob, ttlAfterFinished].map(
      (controller): [string, Runnable] => [controller.name, controller],
    ),
  )

test.each(stories)('%s', (name) => {
  const told = tell(readFileSync(path.join(FOLDER, `${name}.input.yaml`), 'utf8'), controllers())
  const file = path.join(FOLDER, `${name}.output.txt`)
  if (process.env.GOLDEN === 'write') writeFileSync(file, told)
  expect(told).toBe(readFileSync(file, 'utf8'))
})
