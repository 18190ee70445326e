import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/generated/types.ts'
import { createMetrics } from '../../component/metrics.ts'
import { parseRequestInfo } from '../requests/request-info.ts'
import { FlowControl, type Leave } from './flow-control.ts'

const QUEUE = { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 5 } }

const level = (name: string, nominalConcurrencyShares: number): PriorityLevelConfiguration => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'PriorityLevelConfiguration',
  metadata: { name, uid: `uid-of-${name}` },
  spec: { type: 'Limited', limited: { nominalConcurrencyShares, borrowingLimitPercent: 0, limitResponse: QUEUE } },
})

const schema = (name: string, to: string): FlowSchema => ({
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'FlowSchema',
  metadata: { name, uid: `uid-of-${name}` },
  spec: {
    priorityLevelConfiguration: { name: to },
    matchingPrecedence: 100,
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: '*' } }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
  },
})

/** A level of one seat, and the five of catch-all. */
function start() {
  let drained = 0
  const metrics = createMetrics({ processMetrics: false })
  const flow = new FlowControl({
    totalSeats: 6,
    requestTimeoutMs: 60_000,
    stored: () => 0,
    metrics,
    onDrained: () => void drained++,
    clock: () => 0,
  })
  flow.configure([level('one', 1)], [schema('all', 'one')])
  const response = new EventEmitter() as ServerResponse
  const info = parseRequestInfo('GET', '/version')
  const classify = () => flow.classify(info, { username: 'eve', groups: [] })
  const enter = (query = '') => flow.enter(classify(), parseRequestInfo('GET', `/version${query}`), response)
  return { flow, metrics, response, classify, enter, drained: () => drained }
}

describe('a request', () => {
  test('has its seat at once, or when another gives it back, which counts once', async () => {
    const { flow, enter } = start()
    const first = enter() as Leave
    const [second, third] = [enter() as Promise<Leave>, enter() as Promise<Leave>]
    first()
    first()
    const leave = await second
    expect(flow.dump('dump_priority_levels')).toMatch(/^one, +1, +false, +false, +1, +1,/m)
    leave()
    await third
  })

  test('that waits is refused after a quarter of its time', async () => {
    const { enter } = start()
    void enter()
    await expect(enter('?timeout=8ms')).rejects.toMatchObject({ code: 429, details: { retryAfterSeconds: 1 } })
  })

  test('whose client goes while it waits waits no longer', async () => {
    const { enter, response, metrics } = start()
    void enter()
    const waits = enter()
    response.emit('close')
    await expect(waits).rejects.toMatchObject({ code: 429 })
    expect(response.listenerCount('close')).toBe(0)
    const text = await metrics.render()
    const labels = 'priority_level="one",flow_schema="all"'
    expect(text).toContain(`apiserver_flowcontrol_current_inqueue_requests{${labels}} 0`)
    expect(text).toContain(`apiserver_flowcontrol_current_executing_requests{${labels}} 1`)
    expect(text).toContain(`apiserver_flowcontrol_rejected_requests_total{${labels},reason="time-out"} 1`)
  })
})

describe('a level that is taken away', () => {
  test('gets no more requests, and is there until those that it has are done', async () => {
    const { flow, classify, enter, drained } = start()
    const first = enter() as Leave
    const second = enter() as Promise<Leave>
    flow.configure([], [schema('all', 'one')])
    expect(classify().schema.name).toBe('catch-all')
    expect(flow.dump('dump_priority_levels')).toMatch(/^one, +1, +false, +true, +1, +1,/m)
    first()
    expect(drained()).toBe(0)
    const leave = await second
    leave()
    expect(drained()).toBe(1)
    flow.configure([], [])
    expect(flow.dump('dump_priority_levels')).not.toMatch(/^one,/m)
  })

  test('and comes back meanwhile goes on as it was', () => {
    const { flow, classify, enter } = start()
    void enter()
    flow.configure([], [schema('all', 'one')])
    flow.configure([level('one', 1)], [schema('all', 'one')])
    expect(classify().schema.headers).toEqual({
      'X-Kubernetes-PF-FlowSchema-UID': 'uid-of-all',
      'X-Kubernetes-PF-PriorityLevel-UID': 'uid-of-one',
    })
    expect(flow.dump('dump_priority_levels')).toMatch(/^one, +0, +false, +false, +0, +1,/m)
  })
})
