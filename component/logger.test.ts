import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'

const now = () => new Date('2026-01-01T00:00:00Z')

test('text lines quote what a reader could misread', () => {
  const lines: string[] = []
  const logger = createLogger({ component: 'x', write: (line) => void lines.push(line), now })
  logger.with({ pod: 'default/web' }).info('bound', { node: 'node 1' })
  logger.debug('hidden')
  expect(lines).toEqual(['2026-01-01T00:00:00.000Z INFO  x: bound pod=default/web node="node 1"\n'])
})

test('JSON lines keep the message and stack of an error', () => {
  const lines: string[] = []
  createLogger({ component: 'x', format: 'json', write: (line) => void lines.push(line), now }).error('bad', {
    error: new Error('why'),
  })
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'error', component: 'x', message: 'bad', error: { message: 'why' } })
})
