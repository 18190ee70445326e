import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openInside } from './sub-path.ts'

let root: string
let volume: string
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'sub-path-'))
  volume = path.join(root, 'volume')
  mkdirSync(path.join(volume, 'inner/deep'), { recursive: true })
  mkdirSync(path.join(root, 'outside'))
  writeFileSync(path.join(volume, 'inner/file'), '')
  symlinkSync('inner', path.join(volume, 'link'))
  symlinkSync('../outside', path.join(volume, 'escape'))
  symlinkSync('/nowhere/at/all', path.join(volume, 'dangling'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Where the opened place is, relative to the volume. */
async function opened(subPath: string): Promise<string> {
  const handle = await openInside(volume, subPath)
  try {
    return path.relative(volume, await readlink(`/proc/self/fd/${handle.fd}`))
  } finally {
    await handle.close()
  }
}

describe('a part of a volume', () => {
  it.each([
    ['inner', 'inner'],
    ['inner/deep', 'inner/deep'],
    ['inner/file', 'inner/file'],
    ['link/deep', 'inner/deep'],
    ['.', ''],
    ['link/made/now', 'inner/made/now'],
  ])('%s is %s', async (subPath, place) => {
    expect(await opened(subPath)).toBe(place)
  })

  it.each(['escape', 'escape/made', 'dangling', 'dangling/made'])('%s leads nowhere', async (subPath) => {
    await expect(openInside(volume, subPath)).rejects.toThrow(/not within volume path/)
  })

  it('gets the mode of its volume when it is made', async () => {
    await opened('fresh/below')
    expect(statSync(path.join(volume, 'fresh')).mode & 0o7777).toBe(statSync(volume).mode & 0o7777)
  })

  it('stays inside whoever exchanges it for a link meanwhile', async () => {
    const place = path.join(volume, 'busy')
    const outcomes = new Set<string>()
    for (let round = 0; round < 200; round++) {
      rmSync(place, { recursive: true, force: true })
      mkdirSync(path.join(place, 'target'), { recursive: true })
      symlinkSync(path.join(root, 'outside'), `${place}.evil`)
      const attempt = opened('busy/target').catch(() => 'refused')
      // As many turns as the opening takes are tried, so that each of its steps meets the exchange once.
      for (let turn = 0; turn < round % 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      renameSync(place, `${place}.gone`)
      renameSync(`${place}.evil`, place)
      outcomes.add(await attempt)
      rmSync(`${place}.gone`, { recursive: true })
    }
    const allowed = ['refused', 'busy/target', 'busy.gone/target']
    expect([...outcomes].filter((outcome) => !allowed.includes(outcome))).toEqual([])
  })
})
