/** Golden pages: how each kind is described. `npm run golden` rewrites them; people read the diff. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { CoreEvent } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { findDescriber } from './describers.ts'

const FOLDER = path.resolve(import.meta.dirname, '../../test/golden/describe')
const NOW = new Date('2030-01-02T12:00:00Z')

const pages = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.input.yaml'))
  .map((file) => file.replace('.input.yaml', ''))

/** A file holds the object; then, if its page needs it, what is read beside it; then its events. */
test.each(pages)('%s', (name) => {
  const documents = parseAllDocuments(readFileSync(path.join(FOLDER, `${name}.input.yaml`), 'utf8'))
  const [object, related, events] = documents.map((document) => document.toJS() as unknown)
  const describer = findDescriber(object as KubeObject)
  if (!describer) throw new Error(`No describer for ${name}`)
  const text = `${describer.describe(object as KubeObject, related, (events as CoreEvent[]) ?? [], NOW)}\n`
  const file = path.join(FOLDER, `${name}.output.txt`)
  if (process.env.GOLDEN === 'write') writeFileSync(file, text)
  expect(text).toBe(readFileSync(file, 'utf8'))
})
