import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Container, Pod } from '../../api/generated/types.ts'
import { type Clock, systemClock } from '../../component/clock.ts'
import { busyboxImage } from './oci-archive.ts'
import { exec, get } from './request.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

/** A wait of ten seconds or more, as before a retry, is no way to get anywhere here: what a pod waits for has to wake it. */
const clock: Clock = {
  ...systemClock,
  setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms < 10_000 ? ms : ms * 1000),
}
let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet(() => ({}), clock)
})
afterAll(() => kubelet.stop())

const shell = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'main',
  image: busyboxImage,
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', script],
  ...more,
})
const sleeper = (more: Partial<Container> = {}) => shell('trap "exit 0" TERM; sleep 1000 & wait', more)
const main = (pod: Pod) => pod.status?.containerStatuses?.[0]
const logs = async (pod: string, query = '', container = 'main') =>
  (await get(kubelet, `/containerLogs/default/${pod}/${container}?${query}`)).body
/** The API has a pod's status before its events. */
const reasonsOf = async (pod: string) =>
  (await kubelet.api.list('Event')).items.filter(({ involvedObject }) => involvedObject.name === pod).map(({ reason }) => reason)

// Each test has pods of its own, and mostly waits for the runtime.
describe.concurrent('a pod', () => {
  it('becomes ready, with an address, and is gone without a trace after its delete', async ({ expect }) => {
    await kubelet.api.createPod('plain', { containers: [sleeper()] })
    const pod = await kubelet.api.waitForPod('plain', isReady)
    expect(pod.status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.244\.7\./), qosClass: 'BestEffort' })
    await kubelet.api.deletePod('plain')
    await kubelet.api.waitForNoPod('plain')
    await expect
      .poll(() => readdirSync(`${kubelet.node.directory}/log/pods`).filter((name) => name.includes('plain')))
      .toEqual([])
    expect(readdirSync(`${kubelet.node.directory}/kubelet/pods`)).not.toContain(pod.metadata.uid)
  })

  it('runs its init containers in order, then its own to the end', async () => {
    await kubelet.api.createPod('steps', {
      restartPolicy: 'Never',
      volumes: [{ name: 'work', emptyDir: {} }],
      initContainers: ['one', 'two'].map((name) =>
        shell(`echo ${name} >> /work/log`, { name, volumeMounts: [{ name: 'work', mountPath: '/work' }] }),
      ),
      containers: [
        shell('cat /work/log; echo so long > /dev/termination-log; exit 3', {
          volumeMounts: [{ name: 'work', mountPath: '/work' }],
        }),
      ],
    })
    const pod = await kubelet.api.waitForPod('steps', ({ status }) => status?.phase === 'Failed')
    expect(main(pod)?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error', message: 'so long\n' })
    expect(pod.status?.initContainerStatuses?.map(({ ready }) => ready)).toEqual([true, true])
    expect(await logs('steps')).toBe('one\ntwo\n')
  })

  it('is started again after an end, and waits longer each time', async ({ expect }) => {
    await kubelet.api.createPod('crash', { containers: [shell('echo round; exit 1')] })
    const pod = await kubelet.api.waitForPod(
      'crash',
      (candidate) => main(candidate)?.state?.waiting?.reason === 'CrashLoopBackOff',
    )
    expect(main(pod)).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      state: { waiting: { message: expect.stringContaining('back-off 10s restarting failed container=main pod=crash_default') } },
    })
    expect(await logs('crash')).toBe('round\n')
    expect(await logs('crash', 'previous=true')).toBe('round\n')
    await expect.poll(() => reasonsOf('crash')).toContain('BackOff')
  })

  it('sees its ConfigMap change, and gets its token, its fields and its environment', async ({ expect }) => {
    await kubelet.api.create('ConfigMap', { metadata: { namespace: 'default', name: 'settings' }, data: { color: 'red' } })
    await kubelet.api.createPod(
      'fed',
      {
        volumes: [
          { name: 'settings', configMap: { name: 'settings' } },
          {
            name: 'all',
            projected: {
              sources: [
                { serviceAccountToken: { path: 'token' } },
                { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
              ],
            },
          },
        ],
        containers: [
          sleeper({
            env: [
              { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
              { name: 'GREETING', value: 'hello $(COLOR) $(NOBODY) $$(COLOR)' },
              { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ],
            volumeMounts: [
              { name: 'settings', mountPath: '/settings' },
              { name: 'all', mountPath: '/all' },
            ],
          }),
        ],
      },
      { labels: { app: 'fed' } },
    )
    const pod = await kubelet.api.waitForPod('fed', isReady)
    const run = (script: string) =>
      exec(
        kubelet,
        `/exec/default/fed/main?output=1&error=1&command=sh&command=-c&command=${encodeURIComponent(script)}`,
        'v5.channel.k8s.io',
      )
    const { stdout } = await run('cat /settings/color /all/token /all/labels; echo; echo $GREETING; echo $IP')
    expect(stdout).toBe(`redtoken-1app="fed"\nhello red $(NOBODY) $(COLOR)\n${pod.status?.podIP}\n`)
    const merge = { type: 'application/merge-patch+json' } as const
    await kubelet.api.patch('ConfigMap', { namespace: 'default', name: 'settings' }, { data: { color: 'blue' } }, merge)
    await expect.poll(async () => (await run('cat /settings/color')).stdout).toBe('blue')
  })

  it('waits for a ConfigMap that is not there, and starts as soon as it is', async () => {
    await kubelet.api.createPod('needy', { containers: [sleeper({ envFrom: [{ configMapRef: { name: 'late' } }] })] })
    const waiting = await kubelet.api.waitForPod(
      'needy',
      (pod) => main(pod)?.state?.waiting?.reason === 'CreateContainerConfigError',
    )
    expect(main(waiting)?.state?.waiting?.message).toBe('configmap "late" not found')
    await kubelet.api.create('ConfigMap', { metadata: { namespace: 'default', name: 'late' }, data: {} })
    await kubelet.api.waitForPod('needy', isReady)
  })

  it('is ready when its probe says so, and is restarted when its liveness probe fails', async ({ expect }) => {
    await kubelet.api.createPod('probed', {
      terminationGracePeriodSeconds: 1,
      containers: [
        shell('sleep 0.3; touch /tmp/ready; sleep 1000', {
          readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 5 },
          livenessProbe: { exec: { command: ['test', '!', '-e', '/tmp/dead'] }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    })
    await kubelet.api.waitForPod('probed', isReady)
    await exec(kubelet, '/exec/default/probed/main?output=1&command=touch&command=/tmp/dead', 'v5.channel.k8s.io')
    const pod = await kubelet.api.waitForPod('probed', (candidate) => (main(candidate)?.restartCount ?? 0) > 0)
    expect(main(pod)?.lastState?.terminated?.exitCode).toBe(137)
    await expect.poll(() => reasonsOf('probed')).toEqual(expect.arrayContaining(['Unhealthy', 'Killing']))
  })

  it('runs its hooks: one when it has started, one before it ends', async ({ expect }) => {
    await kubelet.api.createPod('hooked', {
      volumes: [{ name: 'shared', hostPath: { path: kubelet.node.directory } }],
      containers: [
        sleeper({
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
          lifecycle: {
            postStart: { exec: { command: ['touch', '/shared/started'] } },
            preStop: { exec: { command: ['touch', '/shared/stopping'] } },
          },
        }),
      ],
    })
    await kubelet.api.waitForPod('hooked', isReady)
    await expect.poll(() => readdirSync(kubelet.node.directory)).toContain('started')
    await kubelet.api.deletePod('hooked')
    await kubelet.api.waitForNoPod('hooked')
    expect(readdirSync(kubelet.node.directory)).toContain('stopping')
  })

  it('keeps a sidecar running beside its main container, and ends it after that', async () => {
    await kubelet.api.createPod('sidecar', {
      restartPolicy: 'Never',
      initContainers: [sleeper({ name: 'helper', restartPolicy: 'Always' })],
      containers: [shell('sleep 0.2')],
    })
    const pod = await kubelet.api.waitForPod('sidecar', ({ status }) => status?.phase === 'Succeeded')
    expect(pod.status?.initContainerStatuses?.[0]?.state?.terminated?.exitCode).toBe(0)
  })

  it('fails when its time is up', async () => {
    await kubelet.api.createPod('late', { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 1, containers: [sleeper()] })
    const pod = await kubelet.api.waitForPod('late', ({ status }) => status?.phase === 'Failed')
    expect(pod.status).toMatchObject({
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    })
  })

  it('is refused when the node has not enough for it', async () => {
    await kubelet.api.createPod('huge', { containers: [sleeper({ resources: { requests: { cpu: '1000' } } })] })
    const pod = await kubelet.api.waitForPod('huge', ({ status }) => status?.phase === 'Failed')
    expect(pod.status?.reason).toBe('OutOfcpu')
  })

  it('tells when its image is not there, and starts from the one that is named instead', async () => {
    const never = sleeper({ image: 'docker.io/library/nothing:1', imagePullPolicy: 'Never' })
    await kubelet.api.createPod('imageless', { containers: [never] })
    const pod = await kubelet.api.waitForPod(
      'imageless',
      (candidate) => main(candidate)?.state?.waiting?.reason === 'ErrImageNeverPull',
    )
    expect(main(pod)?.state?.waiting?.message).toBe(
      'Container image "docker.io/library/nothing:1" is not present with pull policy of Never',
    )
    const patch = { spec: { containers: [{ name: 'main', image: busyboxImage }] } }
    await kubelet.api.patch('Pod', { namespace: 'default', name: 'imageless' }, patch, {
      type: 'application/strategic-merge-patch+json',
    })
    await kubelet.api.waitForPod('imageless', isReady)
  })

  it('starts from a loaded image even if it is to be pulled always', async () => {
    await kubelet.api.createPod('loaded', { containers: [sleeper({ imagePullPolicy: 'Always' })] })
    await kubelet.api.waitForPod('loaded', isReady)
  })

  it('gets the user, the groups and the limits of its security context', async () => {
    await kubelet.api.createPod('secured', {
      securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000 },
      restartPolicy: 'Never',
      volumes: [{ name: 'data', emptyDir: {} }],
      containers: [
        shell('id; touch /root/x || echo read-only; stat -c %g /data; cat /proc/self/status | grep NoNewPrivs', {
          securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        }),
      ],
    })
    await kubelet.api.waitForPod('secured', ({ status }) => status?.phase === 'Succeeded')
    const output = await logs('secured', 'stream=Stdout')
    expect(output).toContain('uid=1000 gid=3000 groups=2000,3000')
    expect(output).toMatch(/read-only\n2000\nNoNewPrivs:\s+1/)
  })
})

describe('a kubelet that comes back', () => {
  it('takes over what runs, and ends what was deleted meanwhile', async ({ expect }) => {
    await kubelet.api.createPod('stays', { containers: [sleeper()] })
    await kubelet.api.createPod('goes', { terminationGracePeriodSeconds: 1, containers: [sleeper()] })
    const before = await kubelet.api.waitForPod('stays', isReady)
    const lost = await kubelet.api.waitForPod('goes', isReady)
    await kubelet.crash()
    await kubelet.api.delete('Pod', { namespace: 'default', name: 'goes' })
    await kubelet.start()
    await expect.poll(() => readdirSync(`${kubelet.node.directory}/kubelet/pods`)).not.toContain(lost.metadata.uid)
    const after = await kubelet.api.waitForPod('stays', isReady)
    expect(main(after)).toEqual(main(before))
  })
})
