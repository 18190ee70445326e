/** Named health checks, and the text that /healthz, /livez and /readyz answer. */
import { messageOf } from '../api/error-message.ts'

export interface HealthCheck {
  name: string
  /** Null when healthy, else why not. A check that throws is unhealthy. */
  check: () => string | null | Promise<string | null>
  /** Endpoints that run it; all three by default. */
  on?: readonly HealthEndpoint[]
}

export type HealthEndpoint = 'healthz' | 'livez' | 'readyz'

export interface HealthAnswer {
  status: 200 | 404 | 500
  body: string
}

export interface Health {
  add(check: HealthCheck): void
  /** `exclude` names checks to leave out; `only` runs a single one, as `/readyz/<name>` does. */
  answer(
    endpoint: HealthEndpoint,
    options?: { verbose?: boolean; exclude?: readonly string[]; only?: string },
  ): Promise<HealthAnswer>
}

export const ping: HealthCheck = { name: 'ping', check: () => null }

export function createHealth(checks: readonly HealthCheck[] = [ping]): Health {
  const all = [...checks]
  return {
    add: (check) => void all.push(check),
    async answer(endpoint, { verbose = false, exclude = [], only } = {}) {
      const chosen = all.filter(({ on, name }) => (!on || on.includes(endpoint)) && (only === undefined || name === only))
      if (only !== undefined && chosen.length === 0) return { status: 404, body: '404 page not found\n' }
      const results = await Promise.all(
        chosen.map(async (check) => ({
          name: check.name,
          problem: exclude.includes(check.name) ? 'excluded' : await run(check),
        })),
      )
      const failed = results.filter(({ problem }) => problem !== null && problem !== 'excluded').map(({ name }) => name)
      if (failed.length === 0 && (only !== undefined || !verbose)) return { status: 200, body: 'ok' }
      const lines = results.map(({ name, problem }) => line(name, problem)).join('')
      return failed.length === 0
        ? { status: 200, body: `${lines}${endpoint} check passed\n` }
        : { status: 500, body: `${lines}${endpoint} check failed\n` }
    },
  }
}

async function run({ check }: HealthCheck): Promise<string | null> {
  try {
    return await check()
  } catch (error) {
    return messageOf(error)
  }
}

/** As upstream: the reason stays in the server's log, since anyone may read this page. */
function line(name: string, problem: string | null): string {
  if (problem === 'excluded') return `[+]${name} excluded: ok\n`
  return problem === null ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`
}
