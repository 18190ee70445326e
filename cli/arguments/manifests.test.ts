import { describe, expect, it } from 'vitest'
import { parseManifest } from './manifests.ts'

const valueOf = (text: string) =>
  (parseManifest(`{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, value: ${text}}`, 'test')[0] as Record<string, unknown>)[
    'value'
  ]

describe('a scalar in a manifest', () => {
  it.each([
    ['e1', 'e1'],
    ['E2', 'E2'],
    ['1e3', 1000],
    ['.5e2', 50],
    ['0644', 420],
    ['yes', true],
    ['2001-01-01', '2001-01-01'],
    ['1:30', '1:30'],
  ])('%s is read as Go reads it', (text, expected) => {
    expect(valueOf(text)).toEqual(expected)
  })
})
