import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RequestAttributes } from '../auth/user.ts'
import { createAuditLog, type AuditLogOptions } from './audit-log.ts'
import { decideAudit, parseAuditPolicy } from './audit-policy.ts'
import { createAuditRecorder } from './audit-recorder.ts'

const policy = (rules: string) => parseAuditPolicy(`{apiVersion: audit.k8s.io/v1, kind: Policy, rules: ${rules}}`)

const request = (more: Partial<RequestAttributes> = {}): RequestAttributes => ({
  user: { username: 'ann', groups: ['dev', 'system:authenticated'] },
  verb: 'get',
  resource: 'pods',
  apiGroup: '',
  apiVersion: 'v1',
  subresource: '',
  namespace: 'ns',
  name: 'p',
  path: '/api/v1/namespaces/ns/pods/p',
  isResourceRequest: true,
  ...more,
})
const url = (where: string) => request({ isResourceRequest: false, resource: '', path: where })

describe('the audit policy', () => {
  it.each([
    ['[{level: Metadata}]', request(), 'Metadata'],
    ['[{level: Metadata, users: [bob]}]', request(), 'None'],
    ['[{level: Metadata, userGroups: [x, dev]}]', request(), 'Metadata'],
    ['[{level: None, verbs: [watch]}, {level: Request}]', request(), 'Request'],
    ['[{level: Request, resources: [{group: ""}]}]', request(), 'Request'],
    ['[{level: Request, resources: [{group: apps}]}]', request(), 'None'],
    ['[{level: Request, resources: [{resources: [pods]}]}]', request({ subresource: 'log' }), 'None'],
    ['[{level: Request, resources: [{resources: ["pods/*"]}]}]', request({ subresource: 'log' }), 'Request'],
    ['[{level: Request, resources: [{resources: ["*/log"]}]}]', request({ subresource: 'log' }), 'Request'],
    ['[{level: Request, resources: [{resources: [pods], resourceNames: [q]}]}]', request(), 'None'],
    ['[{level: Request, namespaces: [""]}]', request({ namespace: '' }), 'Request'],
    ['[{level: Request, namespaces: [ns]}]', url('/metrics'), 'None'],
    ['[{level: Request, nonResourceURLs: ["/healthz*"]}]', url('/healthz/etcd'), 'Request'],
    ['[{level: Request, nonResourceURLs: ["/healthz*"]}]', request(), 'None'],
    ['[{level: RequestResponse}]', request({ resource: 'secrets' }), 'Metadata'],
    ['[{level: RequestResponse}]', request({ resource: 'serviceaccounts', subresource: 'token' }), 'Metadata'],
    ['[{level: RequestResponse}]', request({ apiGroup: 'authentication.k8s.io', resource: 'tokenreviews' }), 'Metadata'],
    ['[{level: None}]', request({ resource: 'secrets' }), 'None'],
    ['[{level: RequestResponse}]', request({ resource: 'configmaps' }), 'RequestResponse'],
  ])('%s decides for %#: %s', (rules, attributes, level) => {
    expect(decideAudit(policy(rules), attributes).level).toBe(level)
  })

  it.each([
    ['[]', 'it has no rules'],
    ['[{level: All}]', 'rules[0].level: "All" is none of None, Metadata, Request, RequestResponse'],
    [
      '[{level: None, nonResourceURLs: [/x], namespaces: [a]}]',
      'rules cannot apply to both regular resources and non-resource URLs',
    ],
    ['[{level: None, omitStages: [End]}]', 'rules[0].omitStages: "End" is no stage'],
    ['[{level: None, nonResourceURLs: [healthz]}]', 'rules[0].nonResourceURLs: "healthz" does not begin with "/"'],
    ['[{level: None, nonResourceURLs: ["/api*/x"]}]', 'rules[0].nonResourceURLs: "/api*/x" has a "*" that is not at its end'],
    [
      '[{level: None, resources: [{resourceNames: [a]}]}]',
      'rules[0].resources[0]: using resourceNames requires at least one resource',
    ],
    ['[{level: None, resources: [{group: apps/v1}]}]', 'rules[0].resources[0].group: "apps/v1" is no name of a group'],
    ['[{level: None}], omitStages: [End]', 'omitStages: "End" is no stage'],
  ])('refuses %s', (rules, message) => {
    expect(() => policy(rules)).toThrow(message)
  })
})

describe('the recorder', () => {
  const record = (rules: string, more: Partial<RequestAttributes> = {}) => {
    const events: Record<string, unknown>[] = []
    const recorder = createAuditRecorder(
      policy(rules),
      { write: (event) => events.push(event as never) },
      () => new Date('2026-05-01T12:00:00Z'),
    )
    const audited = { attributes: request(more), requestUri: '/api/v1/namespaces/ns/pods/p', sourceIps: ['10.0.0.1'] }
    return { events, begun: recorder.begin(audited) }
  }

  it('tells who did what when, at both ends of a request', () => {
    const { events, begun } = record('[{level: Metadata}]')
    begun!.requestObject({ a: 1 })
    begun!.annotations['authorization.k8s.io/decision'] = 'allow'
    begun!.complete(200)
    begun!.complete(499)
    expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseComplete'])
    expect(events[1]).toEqual({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: begun!.auditId,
      stage: 'ResponseComplete',
      requestURI: '/api/v1/namespaces/ns/pods/p',
      verb: 'get',
      user: { username: 'ann', groups: ['dev', 'system:authenticated'] },
      sourceIPs: ['10.0.0.1'],
      objectRef: { resource: 'pods', namespace: 'ns', name: 'p', apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 200 },
      requestReceivedTimestamp: '2026-05-01T12:00:00.000000Z',
      stageTimestamp: '2026-05-01T12:00:00.000000Z',
      annotations: { 'authorization.k8s.io/decision': 'allow' },
    })
  })

  it('keeps bodies at the levels that want them, without managed fields when told', () => {
    const { events, begun } = record('[{level: RequestResponse, omitManagedFields: true, omitStages: [RequestReceived]}]')
    begun!.requestObject({ metadata: { name: 'p', managedFields: [1] } })
    begun!.responseBody(Buffer.from('{"items":[{"metadata":{"managedFields":[1]}}]}'))
    begun!.complete(201)
    expect(JSON.parse(JSON.stringify(events))).toMatchObject([
      { requestObject: { metadata: { name: 'p' } }, responseObject: { items: [{ metadata: {} }] } },
    ])
    expect(JSON.stringify(events)).not.toContain('managedFields')
  })

  it('says why a request failed', () => {
    const { events, begun } = record('[{level: Metadata, omitStages: [RequestReceived]}]')
    begun!.failed({ status: 'Failure', reason: 'Forbidden', message: 'no' })
    begun!.complete(403)
    expect(events[0]).toMatchObject({ responseStatus: { status: 'Failure', reason: 'Forbidden', message: 'no', code: 403 } })
  })

  it('records nothing that the policy leaves out', () => {
    expect(record('[{level: None}]').begun).toBeUndefined()
  })
})

describe('the audit log', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'audit-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  const problems: string[] = []
  const create = (more: Partial<AuditLogOptions> = {}) =>
    createAuditLog({ file: path.join(dir, 'audit.log'), onProblem: (problem) => problems.push(problem), ...more })
  const linesOf = async (file: string) =>
    (await readFile(path.join(dir, file), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { n: number })

  it('writes one line for each event, in order, for its owner only', async () => {
    const log = create()
    for (let n = 0; n < 100; n++) log.write({ n })
    await log.close()
    expect((await linesOf('audit.log')).map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    expect((await stat(path.join(dir, 'audit.log'))).mode & 0o777).toBe(0o600)
  })

  it('goes on where an earlier run ended', async () => {
    for (const n of [1, 2]) {
      const log = create()
      log.write({ n })
      await log.close()
    }
    expect(await linesOf('audit.log')).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('rotates by size, keeps so many files and loses no line on the way', async () => {
    let minutes = 0
    const log = create({ maxBytes: 20, maxBackups: 2, now: () => new Date(Date.UTC(2026, 4, 1, 12, minutes++)) })
    for (let n = 0; n < 10; n++) {
      log.write({ n })
      await log.flush()
    }
    await log.close()
    const files = (await readdir(dir)).sort()
    expect(files).toEqual(['audit-2026-05-01T12-02-00.000.log', 'audit-2026-05-01T12-03-00.000.log', 'audit.log'])
    const kept = await Promise.all(files.map(linesOf))
    expect(kept.flat().map(({ n }) => n)).toEqual([4, 5, 6, 7, 8, 9])
  })

  it('leaves files alone that it has not made', async () => {
    const others = ['audit-webhook.log', 'audit-2026.log', 'audit-policy.log']
    await Promise.all(others.map((name) => writeFile(path.join(dir, name), '')))
    const log = create({ maxBytes: 1, maxBackups: 1 })
    for (let n = 0; n < 4; n++) {
      log.write({ n })
      await log.flush()
    }
    await log.close()
    const left = await readdir(dir)
    expect(left).toEqual(expect.arrayContaining(others))
    expect(left).toHaveLength(others.length + 2)
  })

  it('keeps the newest of what was rotated in one moment', async () => {
    const log = create({ maxBytes: 1, maxBackups: 3, now: () => new Date(0) })
    for (let n = 0; n < 14; n++) {
      log.write({ n })
      await log.flush()
    }
    await log.close()
    const kept = (await Promise.all((await readdir(dir)).map(linesOf))).flat().map(({ n }) => n)
    expect(kept.toSorted((a, b) => a - b)).toEqual([10, 11, 12, 13])
  })

  it('keeps no rotated file longer than its age', async () => {
    let now = Date.now()
    const log = create({ maxBytes: 1, maxAgeDays: 2, now: () => new Date(now) })
    for (let n = 0; n < 5; n++) {
      log.write({ n })
      await log.flush()
      now += 24 * 3600_000
    }
    await log.close()
    const names = (await readdir(dir)).filter((name) => name !== 'audit.log').sort()
    expect(await Promise.all(names.map(linesOf))).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
  })

  it('is never longer than its size, also when much comes at once', async () => {
    const log = create({ maxBytes: 40 })
    for (let n = 0; n < 20; n++) log.write({ n })
    await log.close()
    const files = await readdir(dir)
    const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(dir, name))).size))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(40)
    expect((await Promise.all(files.map(linesOf))).flat()).toHaveLength(20)
  })

  it('begins a line anew after one that the disk took half of', async () => {
    await writeFile(path.join(dir, 'audit.log'), '{"n":0}\n{"n":')
    const log = create()
    log.write({ n: 1 })
    await log.close()
    expect((await readFile(path.join(dir, 'audit.log'), 'utf8')).split('\n')).toEqual(['{"n":0}', '{"n":', '{"n":1}', ''])
  })

  it('says so, and goes on, when the disk is full', async () => {
    problems.length = 0
    const log = create({ file: '/dev/full' })
    for (const n of [1, 2]) {
      log.write({ n })
      await log.flush()
    }
    await log.close()
    expect([log.dropped(), problems]).toEqual([2, ['audit events are dropped']])
  })

  it('drops what finds no room, and says so once', async () => {
    problems.length = 0
    const log = create({ bufferBytes: 25 })
    for (let n = 0; n < 10; n++) log.write({ n })
    expect(log.dropped()).toBe(7)
    expect(problems).toEqual(['audit events are dropped'])
    await log.close()
    expect(await linesOf('audit.log')).toHaveLength(3)
  })

  it('says when it cannot write, and does not throw', async () => {
    problems.length = 0
    const log = create({ file: path.join(dir, 'no', 'such', 'folder', 'audit.log') })
    log.write({ n: 1 })
    await log.close()
    expect([log.dropped(), problems]).toEqual([1, ['audit events are dropped']])
  })
})
