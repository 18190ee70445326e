import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../api/object.ts'
import { convertObjects } from './conversion.ts'
import type { WebhookClient } from './webhook-client.ts'

interface Question {
  apiVersion: string
  kind: string
  request: { uid: string; desiredAPIVersion: string; objects: KubeObject[] }
}

const object = (name: string, apiVersion = 'stable.example.com/v1'): KubeObject => ({
  apiVersion,
  kind: 'Widget',
  metadata: { name, namespace: 'ns', uid: `uid-${name}`, labels: { old: 'label' }, resourceVersion: '7' },
})

const converted = (one: KubeObject, more: object = {}) => ({ ...one, apiVersion: 'stable.example.com/v2', ...more })

function webhookThat(answer: (question: Question) => object): { client: WebhookClient; asked: Question[] } {
  const asked: Question[] = []
  const post = (_config: unknown, body: unknown) => {
    const question = body as Question
    asked.push(question)
    const { apiVersion, kind, request } = question
    return Promise.resolve({ apiVersion, kind, response: { uid: request.uid, ...answer(question) } })
  }
  return { client: { post, close: () => {} }, asked }
}

const success = (convertedObjects: unknown[]) => ({ result: { status: 'Success' }, convertedObjects })
const conversion = { clientConfig: { url: 'https://x' }, conversionReviewVersions: ['v9', 'v1beta1', 'v1'] }
const strict = { ...conversion, conversionReviewVersions: ['v1'] }
const V2 = 'stable.example.com/v2'

describe('convertObjects', () => {
  test('asks about what is in another version, in one question, and keeps the order', async () => {
    const { client, asked } = webhookThat(({ request }) => success(request.objects.map((one) => converted(one))))
    const there = object('b', V2)
    const answer = await convertObjects(client, conversion, V2, [object('a'), there, object('c')])
    expect(answer.map(({ apiVersion, metadata }) => [apiVersion, metadata.name])).toEqual([
      [V2, 'a'],
      [V2, 'b'],
      [V2, 'c'],
    ])
    expect(answer[1]).toBe(there)
    expect(asked).toHaveLength(1)
    expect(asked[0]!.apiVersion).toBe('apiextensions.k8s.io/v1beta1')
    expect(asked[0]!.request.objects.map(({ metadata }) => metadata.name)).toEqual(['a', 'c'])
  })
  test('asks nobody when all are in the version', async () => {
    const { client, asked } = webhookThat(() => success([]))
    expect(await convertObjects(client, strict, V2, [object('a', V2)])).toHaveLength(1)
    expect(asked).toHaveLength(0)
  })
  test('takes labels and annotations of the answer, and no other metadata', async () => {
    const metadata = {
      ...object('a').metadata,
      labels: { new: 'label' },
      annotations: { a: 'b' },
      resourceVersion: '8',
      finalizers: ['x'],
    }
    const { client } = webhookThat(({ request }) => success(request.objects.map((one) => converted(one, { metadata }))))
    const [answer] = await convertObjects(client, strict, V2, [object('a')])
    expect(answer!.metadata).toEqual({
      name: 'a',
      namespace: 'ns',
      uid: 'uid-a',
      resourceVersion: '7',
      labels: { new: 'label' },
      annotations: { a: 'b' },
    })
  })
  const a = object('a')
  test.each<[string, object, string]>([
    ['refuses', { result: { status: 'Failure', message: 'cannot' } }, 'failed: cannot'],
    ['says nothing', {}, "failed: response.result.status was '', not 'Success'"],
    ['answers another question', { uid: 'x', ...success([]) }, 'failed: expected response.uid='],
    ['answers too little', success([]), 'returned 0 objects, expected 1'],
    [
      'answers in another version',
      success([a]),
      'returned invalid object: invalid groupVersion (expected stable.example.com/v2, received stable.example.com/v1)',
    ],
    [
      'answers another kind',
      success([converted(a, { kind: 'Other' })]),
      'returned invalid object: invalid kind (expected Widget, received Other)',
    ],
    [
      'renames',
      success([converted(a, { metadata: { ...a.metadata, name: 'z' } })]),
      'returned invalid object: must have the same name: a != z',
    ],
    ['changes the uid', success([converted(a, { metadata: { ...a.metadata, uid: 'z' } })]), 'must have the same UID: uid-a != z'],
    [
      'labels with numbers',
      success([converted(a, { metadata: { ...a.metadata, labels: { a: 1 } } })]),
      'returned invalid metadata: metadata.labels.a',
    ],
  ])('fails when the webhook %s', async (_what, response, message) => {
    const { client } = webhookThat(() => response)
    await expect(convertObjects(client, strict, V2, [a])).rejects.toThrow(
      `conversion webhook for stable.example.com/v1, Kind=Widget ${message.startsWith('must') ? `returned invalid object: ${message}` : message}`,
    )
  })
})
