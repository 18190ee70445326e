import { describe, expect, it } from 'vitest'
import type { ContainerStatus, Pod, PodSpec } from '../../api/generated/types.ts'
import type { PodFacts } from '../pods/pod-facts.ts'
import { emptyRuntime } from '../runtime/pod-runtime.ts'
import { computePhase } from './pod-phase.ts'
import { computePodStatus } from './pod-status.ts'
import { computeStatusPatch } from './status-patch.ts'

const running = { running: { startedAt: '2026-01-01T00:00:00Z' } }
const done = (exitCode: number) => ({ terminated: { exitCode } })
const status = (name: string, state: ContainerStatus['state'], more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: 'app:1',
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
  ...more,
})
const pod = (spec: Partial<PodSpec>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u1' },
  spec: { containers: [{ name: 'main' }], ...spec },
})

describe('the phase of a pod', () => {
  const waiting = { waiting: { reason: 'ContainerCreating' } }
  const crashing = status('main', { waiting: { reason: 'CrashLoopBackOff' } }, { lastState: done(1) })
  const sidecar = [{ name: 'side', restartPolicy: 'Always' }]
  it.each<[string, Partial<PodSpec>, ContainerStatus[], ContainerStatus[], boolean, string]>([
    ['waits', {}, [], [status('main', waiting)], false, 'Pending'],
    ['runs', {}, [], [status('main', running)], false, 'Running'],
    ['runs while it restarts', {}, [], [crashing], false, 'Running'],
    ['succeeds', { restartPolicy: 'Never' }, [], [status('main', done(0))], false, 'Succeeded'],
    ['fails', { restartPolicy: 'Never' }, [], [status('main', done(2))], false, 'Failed'],
    ['runs on after a failure that restarts', { restartPolicy: 'OnFailure' }, [], [status('main', done(2))], false, 'Running'],
    ['runs between restarts', {}, [], [status('main', done(0))], false, 'Running'],
    [
      'initializes',
      { initContainers: [{ name: 'init' }] },
      [status('init', running)],
      [status('main', waiting)],
      false,
      'Pending',
    ],
    [
      'fails with an init container',
      { restartPolicy: 'Never', initContainers: [{ name: 'init' }] },
      [status('init', done(1))],
      [status('main', waiting)],
      false,
      'Failed',
    ],
    ['waits for a sidecar', { initContainers: sidecar }, [status('side', running)], [status('main', waiting)], false, 'Pending'],
    [
      'runs until its sidecars ended',
      { restartPolicy: 'Never', initContainers: sidecar },
      [status('side', running, { started: true })],
      [status('main', done(0))],
      false,
      'Running',
    ],
    ['has succeeded when it was ended so', {}, [], [status('main', done(0))], true, 'Succeeded'],
    ['has failed when it was ended otherwise', {}, [], [status('main', done(137))], true, 'Failed'],
    ['has failed when it was ended before it ran', {}, [], [status('main', waiting)], true, 'Failed'],
  ])('%s', (_, spec, init, main, over, expected) => {
    expect(computePhase(pod(spec), { init, main }, over)).toBe(expected)
  })
})

describe('a pod that is deleted while it starts', () => {
  const facts = (busy: string[]): PodFacts => ({
    busy: new Set(busy),
    notBefore: new Map(),
    images: new Map(),
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
    startedMs: 0,
  })
  const leaving = { ...pod({}), metadata: { ...pod({}).metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
  it.each<[string, string[], string]>([
    ['a container that is being started is about to run', ['start/main'], 'Pending'],
    ['a sandbox that is being made has to go first', ['sandbox'], 'Pending'],
    ['nothing came of it', [], 'Failed'],
  ])('%s', (_, busy, phase) => {
    expect(computePodStatus(leaving, emptyRuntime, facts(busy), { hostIps: ['10.0.0.9'] }, 0).phase).toBe(phase)
  })
})

describe('the status patch', () => {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
  it('is none when nothing changed', () => {
    const same = { phase: 'Running', conditions: [ready] }
    expect(computeStatusPatch(pod({}), { ...same, conditions: [ready, { type: 'Mine', status: 'True' }] }, same)).toBeUndefined()
  })

  it('names only what changed, and what goes', () => {
    const before = {
      phase: 'Pending',
      message: 'old',
      podIPs: [{ ip: '10.0.0.1' }],
      conditions: [{ ...ready, status: 'False', reason: 'X' }],
    }
    const wanted = { phase: 'Pending', podIPs: [{ ip: '10.0.0.2' }], conditions: [ready] }
    expect(computeStatusPatch(pod({}), before, wanted)).toEqual({
      metadata: { uid: 'u1' },
      status: { message: null, podIPs: [{ $patch: 'replace' }, { ip: '10.0.0.2' }], conditions: [{ ...ready, reason: null }] },
    })
  })
})
