/**
 * The decision loop alone: `node bench/scheduler-loop.ts [--nodes 500,1000,5000] [--pods 10000] [--shapes basic,…]`.
 *
 * Decides and assumes, with no API server, no watch and no binding; what is told is processor time, which a busy machine does not
 * distort. Sizes in one run show how the cost of a pod grows with the cluster.
 */
import { parseArgs } from 'node:util'
import { createIndexedStore } from '../client/indexed-store.ts'
import { createCache } from '../client/shared-informers.ts'
import { createRandom, decide, type Profile } from '../scheduler/decide.ts'
import { createPlugins } from '../scheduler/plugins.ts'
import { createPodInfo } from '../scheduler/pod-info.ts'
import { createSnapshot } from '../scheduler/snapshot.ts'
import { makeHollowNode, makeShapedPod, SHAPES, type Shape } from './scheduler/shapes.ts'

const alone = SHAPES.filter(({ before }) => !before)
const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '500,1000,5000' },
    pods: { type: 'string', default: '10000' },
    shapes: { type: 'string', default: alone.map(({ name }) => name).join(',') },
  },
})

const profile: Profile = { schedulerName: 'default-scheduler', plugins: createPlugins(), percentageOfNodesToScore: 0 }
const store = createIndexedStore()

function measure(
  shape: Shape,
  nodes: number,
  pods: number,
): { perSecond: number; microseconds: number; p50: number; p99: number } {
  const snapshot = createSnapshot(createCache(() => ({ store })))
  for (let index = 0; index < nodes; index++) snapshot.setNode(makeHollowNode(index))
  const infos = Array.from({ length: pods }, (_, index) =>
    createPodInfo(makeShapedPod(`pod-${index}`, shape.pod(index, { nodes, pods }))),
  )
  const random = createRandom(1)
  const times = new Float64Array(pods)
  let startIndex = 0
  const began = process.cpuUsage()
  for (const [index, info] of infos.entries()) {
    const start = performance.now()
    const decision = decide(info, snapshot, profile, { startIndex, random })
    startIndex = (startIndex + decision.evaluated) % nodes
    if (!decision.node) throw new Error(`Cannot measure ${shape.name}: pod ${index} fits on none of ${nodes} nodes`)
    snapshot.place(info, decision.node.name)
    times[index] = performance.now() - start
  }
  const { user, system } = process.cpuUsage(began)
  times.sort()
  const microseconds = (user + system) / pods
  return { perSecond: 1e6 / microseconds, microseconds, p50: times[Math.floor(pods / 2)]!, p99: times[Math.floor(0.99 * pods)]! }
}

const pods = Number(values.pods)
for (const shape of alone.filter(({ name }) => values.shapes.split(',').includes(name))) {
  for (const nodes of values.nodes.split(',').map(Number)) {
    // As many as fit: a node has room for 80 of them.
    const { perSecond, microseconds, p50, p99 } = measure(shape, nodes, Math.min(pods, 40 * nodes))
    console.log(
      `${shape.name.padEnd(20)} ${String(nodes).padStart(5)} nodes: ${perSecond.toFixed(0).padStart(6)} decisions/s of CPU, ` +
        `${microseconds.toFixed(0)} µs a pod; p50 ${p50.toFixed(3)} p99 ${p99.toFixed(3)} ms`,
    )
  }
}
