/** `/debug/pprof/`: what this process spends its time on, as V8's CPU profile, while the profile is taken. */
import { Session } from 'node:inspector/promises'
import { badRequest, tooManyRequests, unknownPath } from '../../api/status.ts'
import type { ApiContext, ApiRequest } from '../api-context.ts'
import { sendBytes, sendText } from '../answers/respond.ts'

const DEFAULT_SECONDS = 30
const MAX_SECONDS = 300

const INDEX = `/debug/pprof/

profile?seconds=30   CPU profile of this process. The format is V8's .cpuprofile (JSON), not pprof's:
                     open it in the DevTools of Chrome (Performance) or at speedscope.app.
`

let isProfiling = false

/** Who may see it is a matter of rules for non-resource URLs, as for /metrics. */
export async function profile(context: ApiContext, request: ApiRequest): Promise<void> {
  if (!context.profiling) throw unknownPath()
  const { path, query } = request.info
  if (path === '/debug/pprof' || path === '/debug/pprof/') return sendText(request, 200, INDEX)
  if (path !== '/debug/pprof/profile') throw unknownPath()
  const given = query.get('seconds')
  const seconds = given === null ? DEFAULT_SECONDS : Number(given)
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) throw badRequest(`seconds must be greater than 0 and at most ${MAX_SECONDS}`)
  if (isProfiling) throw tooManyRequests('a profile is being taken already', 1)
  isProfiling = true
  try {
    const taken = await takeProfile(seconds * 1000, AbortSignal.any([context.stopping, closed(request)]))
    request.response.setHeader('Content-Disposition', 'attachment; filename="profile.cpuprofile"')
    await sendBytes(request, 200, Buffer.from(JSON.stringify(taken)))
  } finally {
    isProfiling = false
  }
}

async function takeProfile(ms: number, stop: AbortSignal): Promise<object> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.start')
    await wait(ms, stop)
    return (await session.post('Profiler.stop')).profile
  } finally {
    session.disconnect()
  }
}

/** Nobody waits for the profile of a client that has gone. */
function closed({ response }: ApiRequest): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return gone.signal
}

const wait = (ms: number, stop: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    stop.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
