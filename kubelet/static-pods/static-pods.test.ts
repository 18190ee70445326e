import { describe, expect, it } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { planMirror } from './mirror-pods.ts'
import { annotations, readManifest } from './read-manifest.ts'

const text = 'apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: main, image: app }] }\n'

describe('a manifest', () => {
  it('becomes a pod of this node', () => {
    const pod = readManifest(text, '/m/web.yaml', 'Node-1')
    expect(pod.metadata).toMatchObject({ name: 'web-node-1', namespace: 'default', uid: expect.stringMatching(/^[0-9a-f]{32}$/) })
    expect(pod.spec).toMatchObject({
      nodeName: 'Node-1',
      restartPolicy: 'Always',
      containers: [{ imagePullPolicy: 'Always' }],
      tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
    })
  })

  it.each([
    ['the same file', text, '/m/web.yaml', true],
    ['another content', text.replace('app', 'app:2'), '/m/web.yaml', false],
    ['another file', text, '/m/other.yaml', false],
  ])('of %s has its own UID', (_, content, file, same) => {
    const uid = (one: string, at: string) => readManifest(one, at, 'n').metadata.uid
    expect(uid(content, file) === uid(text, '/m/web.yaml')).toBe(same)
  })

  it.each([
    ['', 'does not hold a pod'],
    ['apiVersion: v1\nkind: Service', 'does not hold a pod'],
    ['apiVersion: v1\nkind: Pod', 'the pod has no name'],
    ['apiVersion: v1\nkind: Pod\nmetadata: { name: a }', 'the pod has no containers'],
  ])('%j is refused', (content, why) => {
    expect(() => readManifest(content, '/m/x', 'n')).toThrow(
      `Cannot read /m/x: ${why === 'does not hold a pod' ? 'it ' : ''}${why}`,
    )
  })
})

describe('a mirror pod', () => {
  const pod = readManifest(text, '/m/web.yaml', 'n')
  const mirror = (hash: string, more: Partial<Pod['metadata']> = {}): Pod => ({
    ...pod,
    metadata: { ...pod.metadata, uid: 'm', annotations: { [annotations.mirror]: hash }, ...more },
  })
  it.each<[string, Pod | undefined, Pod | undefined, object]>([
    ['is made', pod, undefined, { do: 'create' }],
    ['stays', pod, mirror(pod.metadata.uid), { do: 'nothing' }],
    ['of an older version goes', pod, mirror('old'), { do: 'delete', uid: 'm' }],
    [
      'that someone deletes goes at once',
      pod,
      mirror(pod.metadata.uid, { deletionTimestamp: 'now' }),
      { do: 'delete', uid: 'm' },
    ],
    ['goes with its manifest', undefined, mirror('old'), { do: 'delete', uid: 'm' }],
    ['that is gone stays gone', undefined, undefined, { do: 'nothing' }],
  ])('%s', (_, wanted, present, expected) => expect(planMirror(wanted, present)).toEqual(expected))
})
