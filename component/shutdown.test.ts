import { spawn } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const here = (file: string) => JSON.stringify(path.join(import.meta.dirname, file))

/** Runs a process whose `start` is this code; sends the signals as it writes `ready`, one after the other. */
async function run(
  start: string,
  signals: NodeJS.Signals[] = [],
  graceMs = 60_000,
): Promise<{ code: number | null; output: string }> {
  const program = `
    import { createLogger } from ${here('logger.ts')}
    import { runUntilSignal } from ${here('shutdown.ts')}
    const ready = () => console.log('ready')
    await runUntilSignal(async () => { ${start} }, { logger: createLogger({ component: 'test' }), graceMs: ${graceMs} })`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program])
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stdout.setEncoding('utf8').on('data', () => {
    const signal = signals.shift()
    if (signal) child.kill(signal)
  })
  // Its exit alone may be told before the last of its output.
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}

const forever = 'new Promise(() => {})'

describe.concurrent('runUntilSignal', () => {
  test('stops on a signal and leaves with 0', async () => {
    const { code, output } = await run(`ready(); return { stop: () => console.error('stopped') }`, ['SIGTERM'])
    expect(code).toBe(0)
    expect(output).toContain('stopped')
  })

  test('a second signal leaves at once', async () => {
    const { code } = await run(`ready(); return { stop: () => { ready(); return ${forever} } }`, ['SIGTERM', 'SIGINT'])
    expect(code).toBe(130)
  })

  test('a stop that takes too long is cut off', async () => {
    expect((await run(`ready(); return { stop: () => ${forever} }`, ['SIGTERM'], 200)).code).toBe(1)
  })

  test('a signal ends a start that hangs', async () => {
    expect((await run(`ready(); await ${forever}`, ['SIGTERM'])).code).toBe(0)
  })

  test.each([
    ['a start that fails', `throw new Error('no port')`, 'no port'],
    ['an unhandled rejection', `void Promise.reject(new Error('lost')); return { stop() {} }`, 'lost'],
    ['what ends by itself', `return { failed: Promise.reject(new Error('lease')), stop() {} }`, 'lease'],
  ])('%s is logged and fatal', async (_, start, message) => {
    const { code, output } = await run(start)
    expect(code).toBe(1)
    expect(output).toContain(message)
  })
})
