/** /debug/attempts: why recent pods went where they went, or nowhere, and what would change that. */
import type { Route } from '../../component/serve.ts'
import type { Scheduler } from '../scheduler.ts'

export const debugRoutes = ({ attempts, queue, why }: Scheduler): Route[] => [
  {
    path: '/debug/attempts',
    handle({ url }) {
      const pod = url.searchParams.get('pod')
      const answer = pod ? why(pod) : { queue: queue.sizes(), pods: attempts.pods() }
      return { status: 200, body: `${JSON.stringify(answer, undefined, 2)}\n`, contentType: 'application/json' }
    },
  },
]
