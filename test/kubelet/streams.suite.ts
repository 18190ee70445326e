import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { busyboxImage } from './oci-archive.ts'
import { forward } from './port-forward.ts'
import { exec, get } from './request.ts'
import { isReady } from './test-api.ts'
import { startTestKubelet, type TestKubelet } from './test-kubelet.ts'

let kubelet: TestKubelet
beforeAll(async () => {
  kubelet = await startTestKubelet()
  const command = [
    'sh',
    '-c',
    'for n in 1 2 3; do echo line $n; done; sleep 0.1; echo bad >&2; while sleep 0.2; do echo more; done',
  ]
  await kubelet.api.createPod('talker', {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: busyboxImage, command }],
  })
  await kubelet.api.waitForPod('talker', isReady)
  await vi.waitUntil(async () => (await get(kubelet, '/containerLogs/default/talker/main')).body.includes('more'), {
    timeout: 120_000,
  })
})
afterAll(() => kubelet.stop())

const run = (script: string, query: string) =>
  `/exec/default/talker/main?${query}&command=sh&command=-c&command=${encodeURIComponent(script)}`

describe('logs', () => {
  it.each([
    ['the last lines', 'tailLines=2&limitBytes=4', /^(more|bad\n)$/],
    ['only some bytes', 'limitBytes=6', /^line 1$/],
    ['one stream', 'stream=Stderr', /^bad\n$/],
    ['with times', 'limitBytes=40&timestamps=true', /^\d{4}-\d\d-\d\dT[\d:.]+Z line 1\n/],
    ['nothing before now', 'sinceTime=2999-01-01T00:00:00Z', /^$/],
  ])('%s', async (_, query, expected) => {
    expect((await get(kubelet, `/containerLogs/default/talker/main?${query}`)).body).toMatch(expected)
  })

  it('follow as they grow, to the end of the container', async () => {
    const command = ['sh', '-c', 'echo 1; until [ -e /tmp/go ]; do sleep 0.1; done; echo 2; echo 3']
    await kubelet.api.createPod('counter', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: busyboxImage, command }],
    })
    await kubelet.api.waitForPod('counter', ({ status }) => status?.phase === 'Running')
    const followed = get(kubelet, '/containerLogs/default/counter/main?follow=true')
    await exec(kubelet, '/exec/default/counter/main?output=1&command=touch&command=/tmp/go', 'v5.channel.k8s.io')
    expect((await followed).body).toBe('1\n2\n3\n')
  })

  it('of what is not there are refused', async () => {
    expect(await get(kubelet, '/containerLogs/default/nobody/main')).toEqual({ status: 404, body: 'pod "nobody" not found' })
    expect((await get(kubelet, '/containerLogs/default/talker/main?previous=true')).status).toBe(400)
  })
})

describe('exec', () => {
  it.each(['v4.channel.k8s.io', 'v5.channel.k8s.io'])('gives both streams and the exit code over %s', async (protocol) => {
    const { stdout, stderr, error } = await exec(kubelet, run('echo out; echo err >&2; exit 7', 'output=1&error=1'), protocol)
    expect({ stdout, stderr }).toEqual({ stdout: 'out\n', stderr: 'err\n' })
    expect(JSON.parse(error)).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    })
  })

  it('ends its input when the client closes it', async () => {
    const { stdout, error } = await exec(kubelet, run('cat; echo end', 'input=1&output=1'), 'v5.channel.k8s.io', 'hello ')
    expect(stdout).toBe('hello end\n')
    expect(JSON.parse(error)).toMatchObject({ status: 'Success' })
  })

  it('has a terminal when it is asked for', async () => {
    const { stdout } = await exec(kubelet, run('test -t 1 && echo terminal', 'output=1&tty=1'), 'v5.channel.k8s.io')
    expect(stdout).toBe('terminal\r\n')
  })

  it('carries much data unharmed', async () => {
    const { stdout } = await exec(kubelet, run('head -c 3000000 /dev/zero | tr "\\0" x', 'output=1'), 'v5.channel.k8s.io')
    expect(stdout.length).toBe(3_000_000)
  })
})

describe('attach', () => {
  it.each([
    ['a pipe', false, 'got hello\n'],
    // The terminal itself shows what is typed.
    ['a terminal', true, 'got hello\r\n'],
  ])('reaches a container with %s, both ways, to its end', async (_, tty, expected) => {
    const name = tty ? 'listener-tty' : 'listener'
    // A terminal that closes with its last words takes them along: the container waits until they have been read.
    const command = ['sh', '-c', 'read line; sleep 0.5; echo got $line; read end || :']
    await kubelet.api.createPod(name, {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: busyboxImage, command, stdin: true, stdinOnce: true, tty }],
    })
    await kubelet.api.waitForPod(name, ({ status }) => status?.phase === 'Running')
    const path = `/attach/default/${name}/main?input=1&output=1${tty ? '&tty=1' : ''}`
    const last = tty ? { seen: expected, input: '\n' } : undefined
    const { stdout } = await exec(kubelet, path, 'v5.channel.k8s.io', 'hello\n', last)
    expect(stdout).toContain(expected)
    await kubelet.api.waitForPod(name, ({ status }) => status?.phase === 'Succeeded')
  })

  it('is refused for a container that does not run', async () => {
    await expect(exec(kubelet, '/attach/default/talker/nobody?output=1', 'v5.channel.k8s.io')).rejects.toThrow('404')
  })
})

describe('port-forward', () => {
  it.each([
    ['SPDY', false],
    ['a WebSocket tunnel', true],
  ])('reaches a port of the pod over %s', async (_, tunnel) => {
    const name = tunnel ? 'echo-tunnel' : 'echo-spdy'
    const command = ['sh', '-c', 'while true; do echo pong | nc -l -p 7000; done']
    await kubelet.api.createPod(name, {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: busyboxImage,
          command,
          readinessProbe: { exec: { command: ['sh', '-c', 'netstat -ltn | grep -q 7000'] } },
        },
      ],
    })
    await kubelet.api.waitForPod(name, isReady)
    expect(await forward(kubelet, name, 7000, 'ping\n', tunnel)).toBe('pong\n')
  })
})

describe('the server', () => {
  it('lets nobody in without credentials', async () => {
    expect(await get(kubelet, '/pods', { anonymous: true })).toEqual({ status: 401, body: 'Unauthorized' })
  })

  it('tells of pods, health and usage', async () => {
    expect(JSON.parse((await get(kubelet, '/pods')).body)).toMatchObject({
      kind: 'PodList',
      items: expect.arrayContaining([expect.objectContaining({ metadata: expect.objectContaining({ name: 'talker' }) })]),
    })
    expect(await get(kubelet, '/healthz')).toEqual({ status: 200, body: 'ok' })
    const summary = JSON.parse((await get(kubelet, '/stats/summary')).body) as {
      pods: { podRef: { name: string }; containers: { memory: { workingSetBytes: number } }[] }[]
    }
    const talker = summary.pods.find(({ podRef }) => podRef.name === 'talker')
    expect(talker?.containers[0]?.memory.workingSetBytes).toBeGreaterThan(0)
    expect((await get(kubelet, '/metrics/resource')).body).toMatch(
      /container_cpu_usage_seconds_total\{container="main",namespace="default",pod="talker"\} \d/,
    )
  })

  it.each([
    ['/metrics', /^kubelet_running_pods [1-9]/m],
    ['/metrics', /^kubelet_running_containers\{container_state="running"\} [1-9]/m],
    ['/metrics', /^kubelet_pod_start_duration_seconds_count [1-9]/m],
    ['/metrics', /^kubelet_runtime_operations_total\{operation_type="run_podsandbox"\} [1-9]/m],
    [
      '/metrics/cadvisor',
      /^container_memory_working_set_bytes\{container="main",id="\w+",name="\w+",namespace="default",pod="talker"\} \d/m,
    ],
    [
      '/metrics/probes',
      /^prober_probe_total\{container="main",namespace="default",pod="echo-spdy",.*probe_type="Readiness",result="successful"\} [1-9]/m,
    ],
    ['/checkpoint/default/talker/main', /^checkpointing of default\/talker\/main failed \(rpc error: code = Unimplemented/],
  ])('tells of %s: %s', async (path, expected) => {
    expect((await get(kubelet, path)).body).toMatch(expected)
  })

  it('has registered its node', async () => {
    const node = await kubelet.api.get('Node', { name: 'node-1' })
    expect(node.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      reason: 'KubeletReady',
    })
    expect(node.status?.images?.flatMap(({ names = [] }) => names)).toContain(busyboxImage)
    await expect
      .poll(() => kubelet.api.get('Lease', { namespace: 'kube-node-lease', name: 'node-1' }))
      .toMatchObject({ spec: { holderIdentity: 'node-1' } })
  })
})
