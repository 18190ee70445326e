import { describe, expect, it } from 'vitest'
import { addUp, type ContentInfo, newestLayers } from './containerd-content.ts'

const source = 'containerd.io/distribution.source.docker.io'
const content = (digest: string, size: number, seconds: number, labels: Record<string, string> = {}): ContentInfo => ({
  digest,
  size,
  createdAt: { seconds, nanos: 0 },
  labels,
})
const manifest = (digest: string, seconds: number, repository: string, layers: string[]) =>
  content(digest, 500, seconds, {
    [source]: repository,
    'containerd.io/gc.ref.content.config': 'sha256:config',
    ...Object.fromEntries(layers.map((layer, index) => [`containerd.io/gc.ref.content.l.${index}`, layer])),
  })

describe('the layers that a pull fetches', () => {
  const infos = [
    manifest('sha256:old', 10, 'library/app', ['sha256:a', 'sha256:b']),
    manifest('sha256:new', 20, 'library/base,library/app', ['sha256:a', 'sha256:c', 'sha256:a']),
    manifest('sha256:other', 30, 'library/application', ['sha256:z']),
    content('sha256:config', 3, 40, { [source]: 'library/app' }),
  ]

  it('are those of the newest manifest of the repository, each once', () => {
    expect(newestLayers(infos, source, 'library/app')).toEqual(['sha256:a', 'sha256:c'])
  })

  it('are not known before the manifest is there', () => {
    expect(newestLayers(infos, source, 'library/none')).toEqual([])
  })

  it('count by what is whole and by what has come of the others', () => {
    const whole = [content('sha256:a', 1000, 1)]
    const ingests = [
      { ref: 'layer-sha256:c', offset: 30 },
      { ref: 'layer-sha256:z', offset: 7 },
    ]
    expect(addUp(['sha256:a', 'sha256:c', 'sha256:d'], whole, ingests)).toEqual({ layers: 3, complete: 1, bytes: 1030 })
  })
})
