import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type LogOptions, type LogSource, readLog } from './log-reader.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-log-'))
const file = path.join(folder, '0.log')
afterEach(() => rmSync(file, { force: true }))

const line = (text: string, { second = 0, stream = 'stdout', tag = 'F' } = {}) =>
  `2026-01-01T00:00:0${second}.000000001Z ${stream} ${tag} ${text}\n`
const still: LogSource = { path: file, running: () => false, onChange: () => () => {} }
const all = { follow: false, timestamps: false }

async function read(options: Partial<LogOptions> = {}, source = still): Promise<string> {
  const parts: Buffer[] = []
  for await (const bytes of readLog(source, { ...all, ...options }, new AbortController().signal)) parts.push(bytes)
  return Buffer.concat(parts).toString()
}

describe('readLog', () => {
  it.each<[string, Partial<LogOptions>, string]>([
    ['everything', {}, 'one\ntwo and more\nüñ\n'],
    ['the last two lines', { tailLines: 2 }, ' and more\nüñ\n'],
    ['no line', { tailLines: 0 }, ''],
    ['more lines than there are', { tailLines: 99 }, 'one\ntwo and more\nüñ\n'],
    ['what is new enough', { sinceMs: Date.parse('2026-01-01T00:00:03Z') }, 'üñ\n'],
    ['some bytes', { limitBytes: 5 }, 'one\nt'],
    ['one stream', { stream: 'Stderr' }, 'one\n'],
    ['the times', { timestamps: true, limitBytes: 35 }, '2026-01-01T00:00:00.000000001Z one\n'],
  ])('gives %s', async (_, options, expected) => {
    writeFileSync(
      file,
      line('one', { stream: 'stderr' }) +
        line('two', { tag: 'P', second: 1 }) +
        line(' and more', { second: 2 }) +
        line('üñ', { second: 4 }),
    )
    expect(await read(options)).toBe(expected)
  })

  it('finds the tail of a file of many chunks', async () => {
    writeFileSync(file, Array.from({ length: 5000 }, (_, index) => line(`line ${index} ${'x'.repeat(50)}`)).join(''))
    expect((await read({ tailLines: 3000 })).split('\n')[0]).toBe(`line 2000 ${'x'.repeat(50)}`)
  })

  it('follows a file as it grows and is rotated, until the container ends', async () => {
    let running = true
    let changed = () => {}
    writeFileSync(file, line('one'))
    const source: LogSource = {
      path: file,
      running: () => running,
      onChange: (callback) => {
        changed = callback
        return () => {}
      },
    }
    const seen: string[] = []
    const steps = [
      () => appendFileSync(file, line('two')),
      () => {
        renameSync(file, `${file}.old`)
        writeFileSync(file, line('three'))
      },
      () => {
        running = false
        changed()
      },
    ]
    for await (const bytes of readLog(source, { ...all, follow: true }, new AbortController().signal)) {
      seen.push(bytes.toString())
      steps.shift()?.()
    }
    expect(seen).toEqual(['one\n', 'two\n', 'three\n'])
  })
})
