/** What a container wrote, copied to standard output. */
import { withQuery } from '../../client/paths.ts'
import type { PodName } from '../watch-pod.ts'
import { openBody } from './open-stream.ts'
import type { Session } from '../session.ts'

export async function followLog({ config }: Session, { namespace, name }: PodName, container: string): Promise<void> {
  const body = await openBody(config, withQuery(`/api/v1/namespaces/${namespace}/pods/${name}/log`, { container, follow: true }))
  for await (const chunk of body) await writeOut(chunk)
}

/** Waits when the terminal or pipe is slower than the server. */
export const writeOut = (chunk: Buffer | string): Promise<void> =>
  new Promise((resolve) => {
    if (process.stdout.write(chunk)) resolve()
    else process.stdout.once('drain', resolve)
  })
