import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { expect, onTestFinished, test } from 'vitest'
import { unpackFiles } from './tar-files.ts'

test('a copy out of a container runs as nobody else, whatever the container says of it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-cp-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const tar = pack()
  tar.entry({ name: 'tool', mode: 0o6755 }, '#!/bin/sh')
  tar.finalize()
  expect(await unpackFiles(Readable.from(tar), 'tool', path.join(folder, 'tool'), () => {})).toBe(1)
  expect((await stat(path.join(folder, 'tool'))).mode & 0o7000).toBe(0)
})
