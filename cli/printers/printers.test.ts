import { describe, expect, test } from 'vitest'
import { printYaml } from './yaml.ts'
import { createPrinter } from './printer.ts'
import { createTableWriter, type Table } from './table.ts'

test('strings are quoted as Go quotes them', () => {
  expect(
    printYaml({ a: '1', b: 'yes', c: '*/5 * * * *', d: '', e: 'plain', f: '10.0.0.1', g: '1:30', h: '2026-01-01', i: '{x}' }),
  ).toBe(`a: "1"\nb: "yes"\nc: '*/5 * * * *'\nd: ""\ne: plain\nf: 10.0.0.1\ng: "1:30"\nh: "2026-01-01"\ni: '{x}'`)
})

describe('printers', () => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { on: 'y', n: null } }],
  }

  test.each([
    ['name', 'deployment.apps/web'],
    ['jsonpath={.items[0].metadata.name}', 'web'],
    ['custom-columns=NAME:.metadata.name,X:.spec.nope', 'NAME   X\nweb    <none>'],
  ])('%s', (format, expected) => {
    expect(createPrinter(format)!(list)).toBe(expected)
  })

  test('yaml keeps apart what readers would take for something else', () => {
    expect(createPrinter('yaml')!({ b: ['x'], a: 'y', t: '2026-01-01T00:00:00Z' })).toBe(
      'a: "y"\nb:\n- x\nt: "2026-01-01T00:00:00Z"',
    )
  })

  test('an unknown format is refused', () => {
    expect(() => createPrinter('xml')).toThrow(
      'unable to match a printer suitable for the output format "xml", allowed formats are: json,yaml,name,wide,jsonpath,jsonpath-as-json,jsonpath-file,custom-columns',
    )
  })

  const table: Table = {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string' },
      { name: 'Ready', type: 'string' },
      { name: 'Node', type: 'string', priority: 1 },
    ],
    rows: [{ cells: ['web', '1/1', 'n'], object: { metadata: { namespace: 'd', labels: { app: 'web' } } } }],
  }

  test('a table shows the columns that were asked for', () => {
    expect(createTableWriter({})(table)).toBe('NAME   READY\nweb    1/1')
    expect(createTableWriter({ wide: true, withNamespace: true, labelColumns: ['app'], namePrefix: 'pod/' })(table)).toBe(
      'NAMESPACE   NAME      READY   NODE   APP\nd           pod/web   1/1     n      web',
    )
  })

  test('a watched table keeps its columns and says its headers once', () => {
    const write = createTableWriter({})
    expect(write(table)).toBe('NAME   READY\nweb    1/1')
    expect(write({ kind: 'Table', rows: [{ cells: ['a-longer-name', '0/1', ''] }] })).toBe('a-longer-name   0/1')
    expect(write({ kind: 'Table', rows: [{ cells: ['web', '1/1', ''] }] })).toBe('web             1/1')
  })
})
