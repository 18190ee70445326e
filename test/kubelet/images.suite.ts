import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { type Registry, startRegistry, user } from './registry.ts'
import { get } from './request.ts'
import { startSlowRegistry } from './slow-registry.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
let open: Registry
let closed: Registry
beforeAll(async () => {
  kubelet = await startTestKubelet(() => ({ pullProgressAfterMs: 200 }))
  open = await startRegistry({ port: 5000, password: false })
  closed = await startRegistry({ port: 5001, password: true })
})
afterAll(async () => {
  await open.stop()
  await closed.stop()
  await kubelet.stop()
})

const run = (name: string, image: string, policy: string, more: Partial<Pod['spec']> = {}) =>
  kubelet.api.createPod(name, {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image, imagePullPolicy: policy, command: ['sh', '-c', 'cat /etc/content; echo; sleep 1000'] }],
    ...more,
  })
const allEvents = async (pod: string) =>
  (await kubelet.api.list('Event')).items
    .filter(({ involvedObject, reason }) => involvedObject.name === pod && reason !== 'Scheduled')
    .map(({ reason, message }) => `${reason}: ${message}`)
/** Without how far a pull is: any pull may take long enough to tell. */
const events = async (pod: string) => (await allEvents(pod)).filter((event) => !/: \d+ of \d+ layers? fetched/.test(event))
const main = ({ status }: Pod) => status?.containerStatuses?.[0]
const isWaiting = (reason: string) => (pod: Pod) => main(pod)?.state?.waiting?.reason === reason
const content = async (pod: string) => {
  await kubelet.api.waitForPod(pod, isReady)
  await vi.waitUntil(async () => (await get(kubelet, `/containerLogs/default/${pod}/main`)).body !== '', { timeout: 120_000 })
  return (await get(kubelet, `/containerLogs/default/${pod}/main`)).body.trim()
}
const pulled = (image: string) =>
  new RegExp(
    `^Pulled: Successfully pulled image "${image}" in [\\d.]+m?s \\([\\d.]+m?s including waiting\\)\\. Image size: \\d+ bytes\\.$`,
  )

// Each test has images and pods of its own: while one waits for its back-off, others pull.
describe.concurrent('an image', () => {
  it('is pulled once, told of with its time and size, and by its digest in the status', async ({ expect }) => {
    const digest = await open.push('plain', 'v1', 'one')
    const image = `${open.host}/plain:v1`
    await run('first', image, 'IfNotPresent')
    const pod = await kubelet.api.waitForPod('first', isReady)
    expect(main(pod)).toMatchObject({ image, imageID: `${open.host}/plain@${digest}` })
    // A slow machine makes it a pull that takes long.
    const told = async () => (await events('first')).filter((event) => !/ of \d+ layers? fetched/.test(event))
    await vi.waitUntil(async () => (await told()).length >= 4, { timeout: 120_000 })
    expect((await told()).slice(0, 2)).toEqual([`Pulling: Pulling image "${image}"`, expect.stringMatching(pulled(image))])
    await run('second', image, 'IfNotPresent')
    await kubelet.api.waitForPod('second', isReady)
    await expect.poll(() => events('second')).toContain(`Pulled: Container image "${image}" already present on machine`)
  })

  it('is asked for again with policy Always, and is the newer one then', async () => {
    const image = `${open.host}/moving:latest`
    await open.push('moving', 'latest', 'old')
    await run('before', image, 'Always')
    expect(await content('before')).toBe('old')
    await open.push('moving', 'latest', 'new')
    await run('kept', image, 'IfNotPresent')
    expect(await content('kept')).toBe('old')
    await run('after', image, 'Always')
    expect(await content('after')).toBe('new')
  })

  it('is had by its digest', async () => {
    const digest = await open.push('fixed', 'v1', 'fixed')
    await open.push('fixed', 'v1', 'moved')
    await run('digest', `${open.host}/fixed@${digest}`, 'IfNotPresent')
    expect(await content('digest')).toBe('fixed')
  })

  it('is shared by pods that pull it together', async () => {
    await open.push('shared', 'v1', 'shared')
    await open.push('other', 'v1', 'other')
    const names = ['shared', 'shared', 'other', 'shared'].map((name, index): [string, string] => [`pull-${index}`, name])
    await Promise.all(names.map(([pod, name]) => run(pod, `${open.host}/${name}:v1`, 'IfNotPresent')))
    for (const [pod, name] of names) expect(await content(pod)).toBe(name)
  })

  it('that takes long tells how far it is', async ({ expect }) => {
    await open.push('large', 'v1', 'large')
    const slow = await startSlowRegistry(open.host)
    try {
      const image = `${slow.host}/large:v1`
      await run('large', image, 'IfNotPresent')
      const progress = new RegExp(`^Pulling: Pulling image "${image}": 0 of 1 layer fetched, \\d+\\.\\d MiB$`)
      await expect.poll(() => allEvents('large')).toContainEqual(expect.stringMatching(progress))
      slow.release()
      await kubelet.api.waitForPod('large', isReady)
      await expect.poll(() => events('large')).toContainEqual(expect.stringMatching(pulled(image)))
    } finally {
      slow.stop()
    }
  })

  it.for<[string, string, RegExp]>([
    ['missing', 'absent:v1', /^rpc error: code = NotFound desc = failed to pull and unpack image ".*absent:v1": .*not found$/],
    ['nowhere', '', /^rpc error: code = Unknown desc = failed to pull and unpack image .*connection refused$/],
  ])('that is %s is told of, and waited for with back-off', async ([name, path, why], { expect }) => {
    const image = path ? `${open.host}/${path}` : '127.0.0.1:5999/app:v1'
    await run(name, image, 'IfNotPresent')
    const failed = await kubelet.api.waitForPod(name, isWaiting('ErrImagePull'))
    expect(main(failed)?.state?.waiting?.message).toMatch(why)
    const waiting = await kubelet.api.waitForPod(name, isWaiting('ImagePullBackOff'))
    const message = main(failed)?.state?.waiting?.message
    expect(main(waiting)?.state?.waiting?.message).toBe(`Back-off pulling image "${image}": ErrImagePull: ${message}`)
    expect(waiting.status?.phase).toBe('Pending')
    await expect
      .poll(() => events(name))
      .toEqual([
        `Pulling: Pulling image "${image}"`,
        `Failed: Failed to pull image "${image}": ${message}`,
        'Failed: Error: ErrImagePull',
        `BackOff: Back-off pulling image "${image}"`,
        'Failed: Error: ImagePullBackOff',
      ])
  })

  it.for<[string, string, string, string, string]>([
    ['never', 'app:none', 'Never', 'ErrImageNeverPull', 'Container image ".*" is not present with pull policy of Never'],
    ['invalid', 'App:x', 'Always', 'InvalidImageName', 'Failed to apply default image tag ".*": couldn\'t parse image name'],
  ])('is refused: %s', async ([name, path, policy, reason, message], { expect }) => {
    await run(name, `${open.host}/${path}`, policy)
    const pod = await kubelet.api.waitForPod(name, isWaiting(reason))
    expect(main(pod)?.state?.waiting?.message).toMatch(new RegExp(`^${message}`))
    await expect.poll(() => events(name)).toContain(`Failed: Error: ${reason}`)
  })
})

describe.concurrent('an image behind a password', () => {
  const secret = (name: string, password: string) =>
    kubelet.api.create('Secret', {
      metadata: { namespace: 'default', name },
      type: 'kubernetes.io/dockerconfigjson',
      data: {
        '.dockerconfigjson': Buffer.from(
          JSON.stringify({ auths: { [closed.host]: { auth: Buffer.from(`${user.name}:${password}`).toString('base64') } } }),
        ).toString('base64'),
      },
    })

  it("is pulled with the pod's secret, whichever of several opens it", async () => {
    await closed.push('private', 'v1', 'private')
    await secret('wrong', 'guess')
    await secret('right', user.password)
    await run('allowed', `${closed.host}/private:v1`, 'Always', { imagePullSecrets: [{ name: 'wrong' }, { name: 'right' }] })
    expect(await content('allowed')).toBe('private')
  })

  it('is refused without one, and pulled once there is one', async () => {
    const image = `${closed.host}/private:v2`
    await closed.push('private', 'v2', 'later')
    await run('locked', image, 'Always', { imagePullSecrets: [{ name: 'later' }] })
    const pod = await kubelet.api.waitForPod('locked', isWaiting('ErrImagePull'))
    expect(main(pod)?.state?.waiting?.message).toMatch(/401 Unauthorized$/)
    await secret('later', user.password)
    await kubelet.api.waitForPod('locked', isReady)
  })
})
