/** Golden files: what the server makes of a manifest, and what it says of a bad one. `npm run golden` rewrites them; people read the diff. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import type { KubeObject } from '../../api/object.ts'
import { ApiError, invalid } from '../../api/status.ts'
import { RESOURCES } from '../resources.ts'
import type { ResourceDefinition } from './resource.ts'

const FOLDER = path.resolve(import.meta.dirname, '../../test/golden')
const UID = '00000000-0000-4000-8000-000000000000'

const inputsOf = (folder: string): string[] =>
  readdirSync(path.join(FOLDER, folder))
    .filter((file) => file.endsWith('.input.yaml'))
    .map((file) => file.replace('.input.yaml', ''))

function definitionOf({ apiVersion, kind }: KubeObject): ResourceDefinition {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  const found = RESOURCES.find(({ names }) => names.kind === kind && names.group === group)
  if (!found) throw new Error(`Cannot test ${apiVersion} ${kind}: nothing serves it`)
  return found
}

/** The steps of a POST that are the kind's own, without admission. Answers the object as the same version shows it. */
function create(manifest: KubeObject): KubeObject {
  const definition = definitionOf(manifest)
  const conversion = definition.conversions?.[manifest.apiVersion.split('/').at(-1)!]
  const object = conversion ? conversion.toStorage(structuredClone(manifest)) : structuredClone(manifest)
  definition.setDefaults?.(object)
  object.metadata.uid = UID
  definition.prepareForCreate?.(object)
  const { group, kind } = definition.names
  const errors = definition.validate?.(object) ?? []
  if (errors.length > 0) throw invalid(group, kind, object.metadata.name, errors)
  return conversion ? { ...conversion.fromStorage(object), apiVersion: manifest.apiVersion } : object
}

function compare(file: string, text: string): void {
  if (process.env.GOLDEN === 'write') writeFileSync(file, text)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

const read = (file: string): KubeObject[] =>
  parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as KubeObject)

describe('a manifest gets the defaults that upstream gives it', () => {
  test.each(inputsOf('defaults'))('%s', (name) => {
    const [manifest] = read(path.join(FOLDER, 'defaults', `${name}.input.yaml`))
    const file = path.join(FOLDER, 'defaults', `${name}.output.yaml`)
    const made = JSON.parse(JSON.stringify(create(manifest!))) as KubeObject
    if (process.env.GOLDEN === 'write') writeFileSync(file, stringify(made, { singleQuote: true }))
    // As data: how it is quoted is the formatter's affair.
    expect(made).toEqual(read(file)[0])
  })
})

describe('defaults are the same the second time', () => {
  test.each(inputsOf('defaults'))('%s', (name) => {
    const [manifest] = read(path.join(FOLDER, 'defaults', `${name}.output.yaml`))
    const definition = definitionOf(manifest!)
    const conversion = definition.conversions?.[manifest!.apiVersion.split('/').at(-1)!]
    const object = conversion ? conversion.toStorage(structuredClone(manifest!)) : structuredClone(manifest!)
    const before = structuredClone(object)
    definition.setDefaults?.(object)
    expect(JSON.parse(JSON.stringify(object))).toEqual(JSON.parse(JSON.stringify(before)))
  })
})

describe('a bad manifest is refused in the words that upstream uses', () => {
  test.each(inputsOf('validation'))('%s', (name) => {
    const answers = read(path.join(FOLDER, 'validation', `${name}.input.yaml`)).map((manifest) => {
      try {
        create(manifest)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        const causes = error.details?.causes ?? []
        const lines = causes.map(({ field, message }) => `  ${field}: ${message}`)
        return `${manifest.metadata.name}\n${lines.length > 0 ? lines.join('\n') : `  ${error.message}`}\n`
      }
      throw new Error(`Cannot test ${manifest.metadata.name}: nothing is wrong with it`)
    })
    compare(path.join(FOLDER, 'validation', `${name}.output.txt`), answers.join('\n'))
  })
})

const NOW = new Date('2026-01-01T01:00:00Z')

/** Blocks of objects of one kind, each as `kubectl get -o wide` shows it. */
function tables(objects: readonly KubeObject[]): string {
  const kinds = [...new Set(objects.map(({ kind }) => kind))]
  return kinds
    .map((kind) => {
      const ofKind = objects.filter((object) => object.kind === kind)
      const columns = definitionOf(ofKind[0]!).columns ?? []
      const rows = ofKind.map((object) => columns.map((column) => String(column.value(object, NOW))))
      const lines = [columns.map(({ name, priority }) => name.toUpperCase() + (priority ? '*' : '')), ...rows]
      const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
      return lines
        .map((line) =>
          line
            .map((cell, i) => cell.padEnd(widths[i]!))
            .join('   ')
            .trimEnd(),
        )
        .join('\n')
    })
    .join('\n\n')
}

describe('kubectl get shows what upstream shows; wide columns are marked', () => {
  test.each(inputsOf('columns'))('%s', (name) => {
    compare(
      path.join(FOLDER, 'columns', `${name}.output.txt`),
      `${tables(read(path.join(FOLDER, 'columns', `${name}.input.yaml`)))}\n`,
    )
  })
})
