import { mkdtempSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { writePayload } from './atomic-writer.ts'
import type { Payload } from './volume-kind.ts'

const now = new Date('2026-01-01T00:00:00Z')
const payload = (files: Record<string, string>): Payload =>
  new Map(Object.entries(files).map(([name, text]) => [name, { content: Buffer.from(text), mode: 0o640 }]))
const visible = (folder: string) =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('..'))
    .toSorted()

describe('a payload volume', () => {
  it('shows files, keeps them while nothing changes, and changes all at once', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-volume-'))
    expect(await writePayload(folder, payload({ a: '1', 'deep/er/b': '2' }), {}, now)).toBe(true)
    expect(visible(folder)).toEqual(['a', 'deep'])
    expect(readFileSync(path.join(folder, 'deep/er/b'), 'utf8')).toBe('2')
    expect(statSync(path.join(folder, 'a')).mode & 0o777).toBe(0o640)
    const before = readlinkSync(path.join(folder, '..data'))
    expect(await writePayload(folder, payload({ a: '1', 'deep/er/b': '2' }), {}, now)).toBe(false)
    expect(await writePayload(folder, payload({ a: '3', c: '4' }), {}, now)).toBe(true)
    expect(visible(folder)).toEqual(['a', 'c'])
    expect(readFileSync(path.join(folder, 'a'), 'utf8')).toBe('3')
    expect(readdirSync(folder)).not.toContain(before)
  })
})
