import { describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec } from '../../api/generated/types.ts'
import type { PodFacts } from './pod-facts.ts'
import { planPod, type PodAction } from './plan-pod.ts'
import { hashContainer } from '../runtime/labels.ts'
import { emptyRuntime, type PodRuntime, type RuntimeContainer } from '../runtime/pod-runtime.ts'

const now = Date.parse('2026-01-01T00:10:00Z')
const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'app:1', ...more })
const pod = (spec: Partial<PodSpec> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u1', ...metadata },
  spec: { containers: [container('main')], ...spec },
})
const deleted = { deletionTimestamp: '2026-01-01T00:09:59Z', deletionGracePeriodSeconds: 5 }

const facts = (more: Partial<PodFacts> = {}): PodFacts => ({
  busy: new Set(),
  notBefore: new Map(),
  images: new Map(['main', 'init', 'side', 'other'].map((name) => [name, { imageRef: 'sha256:1' }])),
  volumesReady: true,
  waiting: new Map(),
  backoffs: new Map(),
  probes: new Map(),
  killing: new Map(),
  preStopped: new Set(),
  stoppedSandboxes: new Set(),
  released: false,
  gone: false,
  finished: false,
  applied: new Map(),
  startedMs: now - 60_000,
  ...more,
})

const ran = (name: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer => ({
  id: `${name}-${more.attempt ?? 0}`,
  name,
  attempt: 0,
  sandboxId: 's0',
  state: 'running',
  createdAtMs: now - 30_000,
  startedAtMs: now - 30_000,
  finishedAtMs: 0,
  exitCode: 0,
  reason: '',
  message: '',
  image: 'app:1',
  imageRef: 'sha256:1',
  logPath: '',
  hash: hashContainer(container(name)),
  terminationMessagePath: '',
  terminationMessagePolicy: '',
  ...more,
})
const ended = (name: string, exitCode: number, more: Partial<RuntimeContainer> = {}) =>
  ran(name, { state: 'exited', exitCode, finishedAtMs: now - 1000, ...more })
const sandbox = { id: 's0', attempt: 0, ready: true, createdAtMs: now - 40_000, ips: ['10.0.0.1'] }
const inSandbox = (...containers: RuntimeContainer[]): PodRuntime => ({ sandboxes: [sandbox], containers })
const short = (actions: PodAction[]) =>
  actions.map((action) =>
    [action.do, 'id' in action ? action.id : 'container' in action ? action.container : undefined].filter(Boolean).join(' '),
  )

describe('planPod', () => {
  const sidecar = container('side', { restartPolicy: 'Always' })
  it.each<[string, Pod, PodRuntime, Partial<PodFacts>, string[]]>([
    [
      'makes all ready at once for a new pod',
      pod(),
      emptyRuntime,
      { images: new Map(), volumesReady: false },
      ['prepare-volumes', 'create-sandbox', 'ensure-image main'],
    ],
    ['starts nothing before the volumes are there', pod(), inSandbox(), { volumesReady: false }, ['prepare-volumes']],
    ['starts a container once all is ready', pod(), inSandbox(), {}, ['start-container main']],
    ['does nothing twice', pod(), inSandbox(), { busy: new Set(['start/main']) }, []],
    ['is settled when all run', pod(), inSandbox(ran('main')), {}, []],
    [
      'starts the containers in order',
      pod({ containers: [container('main'), container('other')] }),
      inSandbox(),
      {},
      ['start-container main'],
    ],
    [
      'does not let one without image hold up others',
      pod({ containers: [container('main'), container('other')] }),
      inSandbox(),
      { images: new Map([['other', {}]]) },
      ['ensure-image main', 'start-container other'],
    ],
    ['runs init containers first', pod({ initContainers: [container('init')] }), inSandbox(), {}, ['start-container init']],
    ['waits for an init container', pod({ initContainers: [container('init')] }), inSandbox(ran('init')), {}, []],
    ['goes on after it', pod({ initContainers: [container('init')] }), inSandbox(ended('init', 0)), {}, ['start-container main']],
    [
      'tries a failed init container again',
      pod({ initContainers: [container('init')] }),
      inSandbox(ended('init', 1)),
      {},
      ['start-container init'],
    ],
    [
      'fails with it when nothing restarts',
      pod({ restartPolicy: 'Never', initContainers: [container('init')] }),
      inSandbox(ended('init', 1)),
      {},
      ['stop-sandbox s0'],
    ],
    [
      'does not run it again once main containers were made',
      pod({ initContainers: [container('init')] }),
      inSandbox(ran('main')),
      {},
      [],
    ],
    [
      'starts main containers beside a started sidecar',
      pod({ initContainers: [sidecar] }),
      inSandbox(ran('side')),
      {},
      ['start-container main'],
    ],
    [
      "waits for a sidecar's startup probe",
      pod({ initContainers: [container('side', { restartPolicy: 'Always', startupProbe: {} })] }),
      inSandbox(ran('side')),
      {},
      [],
    ],
    [
      'keeps a sidecar running',
      pod({ initContainers: [sidecar] }),
      inSandbox(ran('main'), ended('side', 0)),
      {},
      ['start-container side'],
    ],
    [
      'ends a sidecar when its pod is done',
      pod({ restartPolicy: 'Never', initContainers: [sidecar] }),
      inSandbox(ended('main', 0), ran('side')),
      {},
      ['kill-container side-0'],
    ],
    ['starts again what ended', pod(), inSandbox(ended('main', 0)), {}, ['start-container main']],
    [
      'leaves a success alone when failures restart',
      pod({ restartPolicy: 'OnFailure' }),
      inSandbox(ended('main', 0)),
      {},
      ['stop-sandbox s0'],
    ],
    [
      'waits before the next start',
      pod(),
      inSandbox(ended('main', 1)),
      { backoffs: new Map([['main', { delayMs: 10_000, updatedMs: now - 5000 }]]) },
      ['back-off main'],
    ],
    [
      'starts a new image at once, however often the old one failed',
      pod({ containers: [container('main', { image: 'app:2' })] }),
      inSandbox(ended('main', 1)),
      { backoffs: new Map([['main', { delayMs: 300_000, updatedMs: now - 5000 }]]) },
      ['start-container main'],
    ],
    [
      'ends what failed its liveness probe',
      pod(),
      inSandbox(ran('main')),
      { probes: new Map([['main-0', { fatal: { probe: 'liveness' } }]]) },
      ['kill-container main-0'],
    ],
    [
      'resizes a container in place',
      pod({ containers: [container('main', { resources: { limits: { cpu: '2' } } })] }),
      inSandbox(ran('main')),
      { applied: new Map([['main-0', { limits: { cpu: '1' } }]]) },
      ['resize-container main-0'],
    ],
    [
      'restarts it for a resize when it wants that',
      pod({
        containers: [
          container('main', {
            resources: { limits: { cpu: '2' } },
            resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }],
          }),
        ],
      }),
      inSandbox(ran('main')),
      { applied: new Map([['main-0', { limits: { cpu: '1' } }]]) },
      ['kill-container main-0'],
    ],
    [
      'leaves it as it is while there is no room',
      pod({ containers: [container('main', { resources: { limits: { cpu: '2' } } })] }),
      inSandbox(ran('main')),
      { applied: new Map([['main-0', { limits: { cpu: '1' } }]]), resizeProblem: { reason: 'Deferred', message: '' } },
      [],
    ],
    ['ends what runs another image', pod(), inSandbox(ran('main', { hash: 'old' })), {}, ['kill-container main-0']],
    [
      'makes a new sandbox for a dead one',
      pod(),
      { sandboxes: [{ ...sandbox, ready: false }], containers: [ended('main', 137)] },
      { stoppedSandboxes: new Set(['s0']) },
      ['create-sandbox', 'start-container main'].slice(0, 1),
    ],
    [
      'first ends what still runs in a dead sandbox',
      pod(),
      { sandboxes: [{ ...sandbox, ready: false }], containers: [ran('main')] },
      {},
      ['kill-container main-0', 'stop-sandbox s0'],
    ],
    [
      'makes no new sandbox for a pod that is done',
      pod({ restartPolicy: 'Never' }),
      { sandboxes: [{ ...sandbox, ready: false }], containers: [ended('main', 0)] },
      { stoppedSandboxes: new Set(['s0']) },
      [],
    ],
    [
      'keeps two containers of a name',
      pod(),
      inSandbox(ran('main', { attempt: 2 }), ended('main', 1, { attempt: 1 }), ended('main', 1)),
      {},
      ['remove-container main-0'],
    ],
    ['ends a pod whose time is up', pod({ activeDeadlineSeconds: 60 }), inSandbox(ran('main')), {}, ['fail-pod']],
    [
      'ends main containers before sidecars',
      pod({ initContainers: [sidecar] }, deleted),
      inSandbox(ran('main'), ran('side')),
      {},
      ['kill-container main-0', 'wake'],
    ],
    [
      "runs a sidecar's hook at once, and ends it in its turn",
      pod({ initContainers: [{ ...sidecar, lifecycle: { preStop: { sleep: { seconds: 1 } } } }] }, deleted),
      inSandbox(ran('main'), ran('side')),
      {},
      ['kill-container main-0', 'pre-stop side-0', 'wake'],
    ],
    [
      'runs that hook once',
      pod({ initContainers: [{ ...sidecar, lifecycle: { preStop: { sleep: { seconds: 1 } } } }] }, deleted),
      inSandbox(ran('main'), ran('side')),
      { preStopped: new Set(['side-0']), endingSinceMs: now - 1000 },
      ['kill-container main-0', 'wake'],
    ],
    [
      'does not wait for main containers beyond the grace period',
      pod({ initContainers: [sidecar] }, deleted),
      inSandbox(ran('main'), ran('side')),
      { endingSinceMs: now - 5000, busy: new Set(['kill/main-0']) },
      ['kill-container side-0'],
    ],
    [
      'ends sidecars last',
      pod({ initContainers: [sidecar] }, deleted),
      inSandbox(ended('main', 0), ran('side')),
      {},
      ['kill-container side-0'],
    ],
    ['stops the sandbox when nothing runs', pod({}, deleted), inSandbox(ended('main', 0)), {}, ['stop-sandbox s0']],
    [
      'gives back what the pod held',
      pod({}, deleted),
      inSandbox(ended('main', 0)),
      { stoppedSandboxes: new Set(['s0']) },
      ['release'],
    ],
    [
      'then tells the API',
      pod({}, deleted),
      inSandbox(ended('main', 0)),
      { stoppedSandboxes: new Set(['s0']), released: true },
      ['finish'],
    ],
    [
      'removes the containers of a pod that is gone',
      pod({}, deleted),
      inSandbox(ended('main', 0)),
      { stoppedSandboxes: new Set(['s0']), released: true, gone: true },
      ['remove-container main-0'],
    ],
    ['and in the end itself', pod({}, deleted), emptyRuntime, { released: true, gone: true }, ['forget']],
    ['lets what starts show up before it ends it', pod({}, deleted), inSandbox(), { busy: new Set(['start/main']) }, []],
    [
      'cuts a grace period short',
      pod({}, deleted),
      inSandbox(ran('main')),
      { killing: new Map([['main-0', now + 30_000]]), busy: new Set(['kill/main-0']) },
      ['shorten-grace main-0'],
    ],
    ['waits with a task that failed', pod(), emptyRuntime, { notBefore: new Map([['sandbox', now + 1000]]) }, ['wake']],
  ])('%s', (_, pod, runtime, known, expected) => {
    expect(short(planPod(pod, runtime, facts(known), now))).toEqual(expected)
  })

  it('gives the grace period of the delete, not of the spec', () => {
    const [action] = planPod(pod({ terminationGracePeriodSeconds: 60 }, deleted), inSandbox(ran('main')), facts(), now)
    expect(action).toMatchObject({ do: 'kill-container', graceSeconds: 5 })
  })
})
