/** Rollouts keep what they promise at every step, whoever acts next and whichever pod becomes ready first. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod } from '../api/generated/types.ts'
import { scaledValue } from '../api/int-or-string.ts'
import { keyOf, type KubeObject } from '../api/object.ts'
import { createDaemonSetController } from './controllers/daemon-set.ts'
import { deployment } from './controllers/deployment.ts'
import { replicaSet } from './controllers/replica-set.ts'
import { statefulSet } from './controllers/stateful-set.ts'
import { createModel, type Model, type Runnable } from './model.ts'
import { isActive, isReady } from './pods.ts'

const labels = { app: 'web' }
const template = (image: string) => ({ metadata: { labels } as never, spec: { containers: [{ name: 'web', image }] } })
const where = { namespace: 'default', name: 'web' }

const serving = (model: Model): Pod[] => model.list('Pod').filter((pod) => isActive(pod) && isReady(pod))
const imagesOf = (model: Model) => new Set(model.list('Pod').map(({ spec }) => spec.containers[0]?.image))

const becomeReady = (model: Model, pod: Pod): void =>
  model.change('Pod', keyOf(pod), (changed) => {
    changed.status = {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: model.now.toISOString() }],
    }
  })

/** All that can happen next: a controller looks at one object, a pod becomes ready, a pod that was told to end has ended. */
function possibilities(model: Model, controllers: readonly Runnable[]): (() => void)[] {
  const looks = controllers.flatMap((controller) =>
    model.list(controller.for).map((object: KubeObject) => () => {
      const observed = controller.observe(object as never, model.cache)
      model.apply(controller.reconcile(object as never, observed as never, model.now))
    }),
  )
  const pods = model.list('Pod').flatMap((pod) => {
    if (pod.metadata.deletionTimestamp) return [() => model.delete('Pod', keyOf(pod))]
    return isReady(pod) ? [] : [() => becomeReady(model, pod)]
  })
  return [...looks, ...pods]
}

/** `choices` decide what comes next; `check` holds after each. Then everything happens until nothing is left to do. */
function play(model: Model, controllers: readonly Runnable[], choices: readonly number[], check: () => void): void {
  for (const choice of choices) {
    const next = possibilities(model, controllers)
    next[choice % next.length]?.()
    check()
  }
  for (let round = 0; round < 100; round++) {
    let writes = 0
    for (const controller of controllers) {
      writes += model.run(controller)
      check()
    }
    const waiting = possibilities(model, [])
    for (const each of waiting) {
      each()
      check()
    }
    if (writes === 0 && waiting.length === 0) return
  }
  throw new Error('Cannot end the rollout: it still goes on after 100 rounds')
}

/** The same each time; `PROPERTY_RUNS=10` takes ten times as many new ones. */
const more = process.env.PROPERTY_RUNS
const runs = (usual: number) => ({ numRuns: usual * Number(more ?? 1), ...(more ? {} : { seed: 42 }) })
const orders = fc.array(fc.nat(10_000), { maxLength: 60 })
type Size = number | string
const sizes: Size[] = [0, 1, 2, '25%', '50%', '100%']
const pairs = sizes.flatMap((maxSurge) => sizes.map((maxUnavailable): [Size, Size] => [maxSurge, maxUnavailable]))

describe('a Deployment that rolls', () => {
  it.each(pairs.filter((pair) => pair.some((size) => size !== 0)))(
    'with maxSurge %s and maxUnavailable %s',
    (maxSurge, maxUnavailable) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 7 }), orders, fc.nat(60), (replicas, choices, secondAt) => {
          const model = createModel([replicaSet, deployment], { gracefulPods: true })
          const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } }
          model.add('Deployment', {
            metadata: where,
            spec: { replicas, selector: { matchLabels: labels }, template: template('v1'), strategy, revisionHistoryLimit: 2 },
          })
          const controllers = [deployment, replicaSet]
          play(model, controllers, [], () => {})

          const setImage = (image: string) =>
            model.change('Deployment', 'default/web', ({ spec }) => void (spec.template = template(image)))
          const surge = scaledValue(maxSurge, replicas, 'up')
          const given = scaledValue(maxUnavailable, replicas, 'down')
          // Both may come to nothing by rounding: then one pod may be missing, or nothing would ever move.
          const unavailable = surge === 0 && given === 0 ? 1 : given
          const check = () => {
            expect(serving(model).length).toBeGreaterThanOrEqual(replicas - unavailable)
            const wanted = model.list('ReplicaSet').reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0)
            expect(wanted).toBeLessThanOrEqual(replicas + surge)
          }
          setImage('v2')
          // Someone changes their mind in the middle of it.
          play(model, controllers, [], check)
          setImage('v3')
          for (const choice of choices.slice(0, secondAt)) {
            const next = possibilities(model, controllers)
            next[choice % next.length]?.()
            check()
          }
          setImage('v4')
          play(model, controllers, choices.slice(secondAt), check)
          expect(serving(model)).toHaveLength(replicas)
          expect(imagesOf(model)).toEqual(new Set(['v4']))
        }),
        runs(4),
      )
    },
  )
})

it('a StatefulSet that rolls never misses more pods than maxUnavailable', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom('OrderedReady', 'Parallel'),
      orders,
      (replicas, maxUnavailable, podManagementPolicy, choices) => {
        const model = createModel([statefulSet], { gracefulPods: true })
        const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, partition: 0 } }
        model.add('StatefulSet', {
          metadata: where,
          spec: {
            replicas,
            serviceName: 'web',
            selector: { matchLabels: labels },
            template: template('v1'),
            updateStrategy,
            podManagementPolicy,
          },
        })
        play(model, [statefulSet], [], () => {})
        model.change('StatefulSet', 'default/web', ({ spec }) => void (spec.template = template('v2')))
        play(model, [statefulSet], choices, () => expect(serving(model).length).toBeGreaterThanOrEqual(replicas - maxUnavailable))
        expect(imagesOf(model)).toEqual(new Set(['v2']))
        expect(serving(model)).toHaveLength(replicas)
      },
    ),
    runs(30),
  )
})

it.each([
  { maxSurge: 0, maxUnavailable: 1 },
  { maxSurge: 0, maxUnavailable: '50%' },
  { maxSurge: 1, maxUnavailable: 0 },
  { maxSurge: '50%', maxUnavailable: 0 },
])('a DaemonSet that rolls leaves no more nodes without than it may: %o', ({ maxSurge, maxUnavailable }) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), orders, (nodes, choices) => {
      const daemonSet = createDaemonSetController()
      const model = createModel([daemonSet], { gracefulPods: true })
      for (let node = 0; node < nodes; node++) model.add('Node', { metadata: { name: `node-${node}` } })
      const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } }
      model.add('DaemonSet', {
        metadata: where,
        spec: { selector: { matchLabels: labels }, template: template('v1'), updateStrategy },
      })
      play(model, [daemonSet], [], () => {})
      model.change('DaemonSet', 'default/web', ({ spec }) => void (spec.template = template('v2')))
      const unavailable = scaledValue(maxUnavailable, nodes, 'up')
      const surge = scaledValue(maxSurge, nodes, 'up')
      play(model, [daemonSet], choices, () => {
        expect(serving(model).length).toBeGreaterThanOrEqual(nodes - unavailable)
        expect(model.list('Pod').filter(isActive).length).toBeLessThanOrEqual(nodes + surge)
      })
      expect(imagesOf(model)).toEqual(new Set(['v2']))
      expect(serving(model)).toHaveLength(nodes)
    }),
    runs(15),
  )
})
