/** Probes the containers of one pod on their periods, and tells when a verdict changes. */
import type { Container, Pod, Probe } from '../../api/generated/types.ts'
import type { Cancel, Clock } from '../../component/clock.ts'
import type { PodEvents } from '../pods/pod-events.ts'
import type { ProbeFacts } from '../pods/pod-facts.ts'
import { containersOf } from '../pods/pod-spec.ts'
import type { Cri } from '../runtime/cri-client.ts'
import type { PodRuntime, RuntimeContainer } from '../runtime/pod-runtime.ts'
import type { ProbeCounts } from './probe-counts.ts'
import type { runProbe } from './probe-action.ts'

type ProbeType = 'startup' | 'readiness' | 'liveness'
const types: readonly ProbeType[] = ['startup', 'readiness', 'liveness']

export interface PodProber {
  /** Starts probing what runs now and stops probing what does not. */
  sync(pod: Pod, runtime: PodRuntime): void
  facts(): ReadonlyMap<string, ProbeFacts>
  stop(): void
}

export interface ProberOptions {
  cri: Cri
  probe: typeof runProbe
  clock: Clock
  events: PodEvents
  counts: ProbeCounts
  onChange: () => void
}

interface Running {
  types: Map<ProbeType, Cancel>
  facts: ProbeFacts
}

/** Before the first success readiness is asked more often than its period, so that a pod is ready when its program is. */
const eagerMs = [50, 100, 200, 400, 800]

export function createPodProber(options: ProberOptions): PodProber {
  const containers = new Map<string, Running>()
  let pod: Pod
  let podIp = ''

  const stopAll = (id: string) => {
    for (const cancel of containers.get(id)?.types.values() ?? []) cancel()
    containers.delete(id)
  }

  function open(container: Container, current: RuntimeContainer): void {
    const running: Running = { types: new Map(), facts: seed(pod, container, current) }
    containers.set(current.id, running)
    for (const type of types) {
      const probe = probeOf(container, type)
      if (!probe) continue
      const isLive = () => containers.get(current.id) === running
      const target = () => ({ container, containerId: current.id, podIp, cri: options.cri })
      running.types.set(
        type,
        startLoop({ type, probe, running, startedAtMs: current.startedAtMs, isLive, target, pod: () => pod, container, options }),
      )
    }
  }

  return {
    facts: () => new Map([...containers].map(([id, { facts }]) => [id, facts])),
    stop() {
      for (const id of containers.keys()) stopAll(id)
    },
    sync(version, runtime) {
      pod = version
      podIp = pod.spec.hostNetwork ? (pod.status?.hostIP ?? '127.0.0.1') : (runtime.sandboxes[0]?.ips[0] ?? '')
      const running = new Map(
        runtime.containers.filter(({ state }) => state === 'running').map((container) => [container.id, container]),
      )
      for (const id of containers.keys()) if (!running.has(id)) stopAll(id)
      // The address comes with the sandbox; a container that is being ended is still probed for readiness, as upstream.
      for (const current of running.values()) {
        const container = containersOf(pod).find(({ name }) => name === current.name)
        if (container && !containers.has(current.id) && types.some((type) => probeOf(container, type))) open(container, current)
      }
    },
  }
}

const probeOf = (container: Container, type: ProbeType): Probe | undefined =>
  type === 'startup' ? container.startupProbe : type === 'readiness' ? container.readinessProbe : container.livenessProbe

/** A container that a restarted kubelet finds running stays as ready as the API says it was, until probed. */
function seed({ status }: Pod, container: Container, { id }: RuntimeContainer): ProbeFacts {
  const known = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(
    ({ containerID }) => containerID === `containerd://${id}`,
  )
  return {
    ...(container.startupProbe ? { startup: known?.started === true } : {}),
    ...(container.readinessProbe ? { readiness: known?.ready === true } : {}),
  }
}

interface Loop {
  type: ProbeType
  probe: Probe
  running: Running
  startedAtMs: number
  isLive: () => boolean
  target: () => Parameters<typeof runProbe>[1]
  pod: () => Pod
  container: Container
  options: ProberOptions
}

function startLoop(loop: Loop): Cancel {
  const { type, probe, running, isLive, options } = loop
  const { clock } = options
  const { periodSeconds = 10, initialDelaySeconds = 0, timeoutSeconds = 1 } = probe
  const periodMs = periodSeconds * 1000
  const longestMs = Math.max(periodMs, initialDelaySeconds * 1000)
  const extra = [...eagerMs]
  const streak = { ok: true, length: 0 }
  let cancel: Cancel = () => {}
  const firstMs = loop.startedAtMs + initialDelaySeconds * 1000
  const openedMs = clock.now().getTime()
  // As upstream, whose probes tick from before the start: a program has a period to begin in, however short its initial delay.
  const firstCountedMs = Math.max(firstMs, loop.startedAtMs + periodMs)
  // A kubelet that comes back finds many that are due: they must not all be asked at once, now and every period after.
  let dueMs = openedMs - firstMs > periodMs ? openedMs + Math.random() * periodMs : Math.max(openedMs, firstCountedMs)

  const once = async (counts: boolean) => {
    // The other probes wait for the startup probe's success, which ends it.
    if (type !== 'startup' && running.facts.startup === false) return at(clock.now().getTime() + Math.min(periodMs, 100), true)
    const failure = await options.probe(probe, loop.target(), timeoutSeconds * 1000).catch((error: unknown) => String(error))
    if (!isLive()) return
    const ok = failure === null
    // A try before its time counts only when it succeeds: thresholds are worth what they say.
    if (counts || ok) {
      streak.length = streak.ok === ok ? streak.length + 1 : 1
      streak.ok = ok
      judge(loop, failure, streak.length)
    }
    // Who must be ended is not asked again: an exec into it could get in the way of its end. The next container has its own probes.
    if (type === 'startup' ? running.facts.startup || running.facts.fatal : type === 'liveness' && running.facts.fatal) return
    const nowMs = clock.now().getTime()
    if (counts) dueMs = Math.min(nowMs + periodMs, Math.max(nowMs, dueMs + periodMs))
    const waiting = type !== 'liveness' && !ok && running.facts[type] === false
    const soonMs = waiting ? nowMs + (extra.shift() ?? Infinity) : Infinity
    at(Math.min(soonMs, dueMs), dueMs <= soonMs)
  }
  const at = (ms: number, counts: boolean) => {
    // A wall clock that was set back must not keep a probe waiting for more than its turn.
    cancel = clock.setTimeout(() => void once(counts), Math.min(ms - clock.now().getTime(), longestMs))
  }
  const beginMs = type === 'liveness' ? dueMs : Math.min(dueMs, Math.max(openedMs, firstMs))
  at(beginMs, beginMs === dueMs)
  return () => cancel()
}

function judge({ type, probe, running, pod, container, options }: Loop, failure: string | null, streak: number): void {
  const { facts } = running
  const { successThreshold = 1, failureThreshold = 3 } = probe
  options.counts.count(pod(), container, type, failure === null)
  if (failure !== null) {
    const title = `${type[0]!.toUpperCase()}${type.slice(1)}`
    options.events.container(pod(), container, 'Warning', 'Unhealthy', `${title} probe failed: ${failure}`)
  }
  if (streak < (failure === null ? successThreshold : failureThreshold)) return
  if (type === 'readiness' || (type === 'startup' && failure === null)) {
    if (facts[type] === (failure === null)) return
    running.facts = { ...facts, [type]: failure === null }
  } else if (failure !== null && !facts.fatal) {
    const graceSeconds = probe.terminationGracePeriodSeconds
    running.facts = { ...facts, fatal: { probe: type, ...(graceSeconds === undefined ? {} : { graceSeconds }) } }
  } else return
  options.onChange()
}
