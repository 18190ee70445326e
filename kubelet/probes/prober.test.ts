import { describe, expect, it } from 'vitest'
import type { Pod, Probe } from '../../api/generated/types.ts'
import { createTestClock } from '../../component/clock.ts'
import type { PodRuntime } from '../runtime/pod-runtime.ts'
import { createPodProber, type ProberOptions } from './prober.ts'

/** The prober of a pod with one container that has just started, and the milliseconds at which it asks. */
function probed(
  probes: { startupProbe?: Probe; readinessProbe?: Probe; livenessProbe?: Probe },
  answer: (ms: number) => string | null,
) {
  const clock = createTestClock()
  const startedAtMs = clock.now().getTime()
  const asked: number[] = []
  const complaints: string[] = []
  const options = {
    clock,
    probe: () => {
      asked.push(clock.now().getTime() - startedAtMs)
      return Promise.resolve(answer(asked.at(-1)!))
    },
    events: { container: (...[, , , , message]: string[]) => complaints.push(message!) },
    counts: { count: () => {} },
    onChange: () => {},
  }
  // What it asks by, and whom it tells, is of no interest here.
  const prober = createPodProber(options as unknown as ProberOptions)
  const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'main', ...probes }] } } as Pod
  const runtime = { sandboxes: [], containers: [{ id: 'c1', name: 'main', state: 'running', startedAtMs }] }
  prober.sync(pod, runtime as unknown as PodRuntime)
  return { clock, asked, complaints, facts: () => prober.facts().get('c1') }
}

describe('a prober', () => {
  it('asks for readiness again and again before the first period is over, and on the period once it is there', async () => {
    const { clock, asked, facts } = probed({ readinessProbe: { periodSeconds: 60 } }, (ms) => (ms < 300 ? 'not yet' : null))
    await clock.advance(200)
    expect(facts()).toEqual({ readiness: false })
    await clock.advance(200)
    expect(facts()).toEqual({ readiness: true })
    await clock.advance(120_000)
    expect(asked).toEqual([0, 50, 150, 350, 60_000, 120_000])
  })

  it('asks for life on the period only', async () => {
    const { clock, asked, facts } = probed({ livenessProbe: { periodSeconds: 10, failureThreshold: 3 } }, () => 'dead')
    await clock.advance(29_000)
    expect(facts()).toEqual({})
    await clock.advance(1000)
    expect(asked).toEqual([10_000, 20_000, 30_000])
    expect(facts()).toEqual({ fatal: { probe: 'liveness' } })
  })

  it('asks a container that failed for life no more while it is being ended, but still whether it is ready', async () => {
    const dead: Probe = { periodSeconds: 10, failureThreshold: 1 }
    const { clock, asked } = probed({ livenessProbe: dead, readinessProbe: { periodSeconds: 60 } }, (ms) =>
      ms === 10_000 ? 'dead' : null,
    )
    await clock.advance(60_000)
    expect(asked).toEqual([0, 10_000, 60_000])
  })

  it('complains of no program that begins within its first period', async () => {
    const probe: Probe = { periodSeconds: 10, failureThreshold: 1 }
    const { clock, facts, complaints } = probed({ livenessProbe: probe, readinessProbe: probe, startupProbe: probe }, (ms) =>
      ms < 9000 ? 'not yet' : null,
    )
    await clock.advance(25_000)
    expect(facts()).toEqual({ startup: true, readiness: true })
    expect(complaints).toEqual([])
  })
})
