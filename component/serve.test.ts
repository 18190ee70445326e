import { request } from 'node:https'
import { expect, test } from 'vitest'
import { createHealth } from './health.ts'
import { silentLogger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { createSelfSigned } from './self-signed.ts'
import { serve } from './serve.ts'

const ask = (port: number, ca: string, path: string, token?: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {}
    request({ host: '127.0.0.1', port, path, ca, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
      .on('error', reject)
      .end()
  })

test('health is for everyone, metrics for whom the hook allows', async () => {
  const tls = await createSelfSigned('test', ['localhost'], ['127.0.0.1'])
  const metrics = createMetrics({ processMetrics: false })
  metrics.counter('made_total', 'made').inc(3)
  const authorize = ({ token }: { token: string | undefined }) => token === 'secret'
  const server = await serve({
    tls,
    host: '127.0.0.1',
    port: 0,
    health: createHealth(),
    metrics,
    authorize,
    logger: silentLogger,
  })
  try {
    expect(await ask(server.port, tls.cert, '/healthz')).toEqual({ status: 200, body: 'ok' })
    expect(await ask(server.port, tls.cert, '/metrics')).toMatchObject({ status: 403 })
    expect((await ask(server.port, tls.cert, '/metrics', 'secret')).body).toContain('made_total 3')
    expect(await ask(server.port, tls.cert, '/nope', 'secret')).toMatchObject({ status: 404 })
  } finally {
    await server.close()
  }
})
