import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { Command } from 'commander'
import { pack } from 'tar-stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { CertificateSigningRequest, CoreEvent, Pod, Service } from '../api/generated/types.ts'
import { rulesTable, whoamiTable } from './decisions/access-review.ts'
import { normalizeArguments } from './arguments/command-line.ts'
import { deleteObjects, isAboutTheLab } from './commands/delete.ts'
import { parseFileSpec } from './commands/cp.ts'
import { withCondition } from './commands/certificate.ts'
import { complete } from './arguments/completion-words.ts'
import { minify, type RawKubeconfig, redact, withEntry, withProperty, withRenamedContext } from './decisions/edit-kubeconfig.ts'
import { rowOf } from './decisions/event-rows.ts'
import { parsePorts } from './streams/port-pairs.ts'
import { printYaml } from './printers/yaml.ts'
import { applyLocally, parsePatch } from './writes/read-patch.ts'
import { parseRequestTimeout } from './session.ts'
import { placeOf, unpackFiles } from './streams/tar-files.ts'
import { nodeTable, podTable } from './decisions/usage-tables.ts'

describe('delete without a type', () => {
  test.each([
    ['', true],
    ['--lab other', true],
    ['-l app=web', false],
    ['--all', false],
    ['--now', false],
    ['-n shop', false],
    ['--context elsewhere', false],
  ])('delete %s: the lab is meant: %s', async (typed, isMeant) => {
    const program = new Command('kubelab').option('-n, --namespace <name>').option('--context <name>')
    deleteObjects(program, () => Promise.reject(new Error('no command line here needs a server')))
    const command = program.commands[0]!
    let heard: boolean | undefined
    command.action(() => {
      heard = isAboutTheLab(command)
    })
    await program.parseAsync(normalizeArguments(program, ['delete', ...typed.split(' ').filter(Boolean)]), { from: 'user' })
    expect(heard).toBe(isMeant)
  })
})

describe('ports to forward', () => {
  const pod = {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }] },
  } as Pod
  const service = { metadata: { name: 'web' }, spec: { ports: [{ port: 8080, targetPort: 'http', name: 'front' }] } } as Service

  test.each([
    [['8080'], undefined, [[8080, 8080]]],
    [
      ['8080:80', ':http'],
      undefined,
      [
        [8080, 80],
        [0, 80],
      ],
    ],
    [['http'], undefined, [[80, 80]]],
    [['8080'], service, [[8080, 80]]],
    [['9000:front'], service, [[9000, 80]]],
  ])('%j', (args, of, pairs) => {
    expect(parsePorts(args, pod, of).map(({ local, remote }) => [local, remote])).toEqual(pairs)
  })

  test.each([
    [['a:80'], undefined, "error parsing local port 'a'"],
    [['80:foo'], undefined, "Pod 'web' does not have a named port 'foo'"],
    [['81'], service, 'Service web does not have a service port 81'],
  ])('%j is refused', (args, of, message) => {
    expect(() => parsePorts(args, pod, of)).toThrow(message)
  })
})

describe('where files are', () => {
  test.each([
    ['web:/etc', { namespace: '', pod: 'web', file: '/etc' }],
    ['shop/web:x', { namespace: 'shop', pod: 'web', file: 'x' }],
    ['./a:b', { namespace: '', pod: '', file: './a:b' }],
    ['plain', { namespace: '', pod: '', file: 'plain' }],
  ])('%s', (text, spec) => {
    expect(parseFileSpec(text)).toEqual(spec)
  })

  test('members of a tar stay under the target', () => {
    expect(placeOf('etc/hosts', 'etc', '/t')).toBe('/t/hosts')
    expect(placeOf('etc', 'etc', '/t')).toBe('/t')
    expect(placeOf('etc/../../x', 'etc', '/t')).toBeUndefined()
  })
})

describe('kubeconfigs', () => {
  const config: RawKubeconfig = {
    'current-context': 'a',
    clusters: [{ name: 'c', cluster: { server: 's' } }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
    users: [
      { name: 'u', user: { token: 't', 'client-key-data': 'k' } },
      { name: 'v', user: {} },
    ],
  }

  test('entries are changed, not replaced', () => {
    const { contexts } = withEntry(config, 'context', 'a', { namespace: 'x' })
    expect(contexts).toEqual([{ name: 'a', context: { cluster: 'c', user: 'u', namespace: 'x' } }])
  })

  test('a renamed context stays the current one', () => {
    expect(withRenamedContext(config, 'a', 'b', 'f')['current-context']).toBe('b')
    expect(() => withRenamedContext(config, 'z', 'b', 'f')).toThrow(`cannot rename the context "z", it's not in f`)
  })

  test('properties are set and unset by path', () => {
    expect(withProperty(config, 'contexts.a.namespace', 'x')['contexts']).toMatchObject([{ context: { namespace: 'x' } }])
    expect(withProperty(config, 'users.u', undefined)['users']).toEqual([{ name: 'v', user: {} }])
    expect(withProperty(config, 'current-context', undefined)['current-context']).toBe('')
  })

  test('secrets are not shown, what is not used is left out', () => {
    expect(redact(minify(config))).toMatchObject({
      users: [{ name: 'u', user: { token: 'REDACTED', 'client-key-data': 'DATA+OMITTED' } }],
    })
  })
})

test('rules in the order of kubectl', () => {
  const table = rulesTable(
    {
      resourceRules: [
        { verbs: ['create'], apiGroups: ['b.io'], resources: ['y'] },
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['create'], apiGroups: ['a.io'], resources: ['x'] },
      ],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/api', '/api/*'] }],
    },
    false,
  )
  expect(table.split('\n').map((line) => line.trim().split(/\s+/)[0])).toEqual(['*.*', 'x.a.io', 'y.b.io', '[/api/*]', '[/api]'])
  expect(whoamiTable({ username: 'jane', groups: ['a', 'b'] })).toBe('ATTRIBUTE   VALUE\nUsername    jane\nGroups      [a b]')
})

test('a request is decided once, and not both ways', () => {
  const request = { metadata: { name: 'r' }, spec: {} } as CertificateSigningRequest
  const approve = { verb: 'approve', condition: 'Approved', opposite: 'Denied', done: 'approved' } as const
  const approved = withCondition(request, approve, false)!
  expect(approved.status?.conditions?.[0]).toMatchObject({ type: 'Approved', status: 'True', reason: 'KubectlApprove' })
  expect(withCondition(approved, approve, false)).toBeUndefined()
  const deny = { verb: 'deny', condition: 'Denied', opposite: 'Approved', done: 'denied' } as const
  expect(() => withCondition(approved, deny, false)).toThrow('is already Approved')
})

test('events say how often and since when', () => {
  const now = new Date('2026-01-01T01:00:00Z')
  const event = {
    metadata: { namespace: 'n' },
    involvedObject: { kind: 'Pod', name: 'web' },
    type: 'Normal',
    reason: 'Pulled',
    message: 'done\n',
    count: 3,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:55:00Z',
  } as unknown as CoreEvent
  expect(rowOf(event, now, true)).toEqual(['n', '5m (x3 over 60m)', 'Normal', 'Pulled', 'Pod/web', 'done'])
})

test('use of pods and nodes', () => {
  const metrics = (name: string, cpu: string, memory: string) => ({
    metadata: { name, namespace: 'n' },
    containers: [
      { name: 'a', usage: { cpu, memory } },
      { name: 'b', usage: { cpu: '1m', memory: '1Mi' } },
    ],
  })
  const pods = [metrics('a', '5m', '10Mi'), metrics('b', '1500u', '20Mi')]
  const rows = (text: string) => text.split('\n').map((line) => line.trim().split(/\s+/).join(' '))
  const options = { withNamespace: false, byContainer: false, sum: false, headers: false }
  expect(rows(podTable(pods, options))).toEqual(['a 6m 11Mi', 'b 3m 21Mi'])
  expect(rows(podTable(pods, { ...options, sortBy: 'memory' }))).toEqual(['b 3m 21Mi', 'a 6m 11Mi'])
  const nodes = [{ metadata: { name: 'n1' }, usage: { cpu: '500m', memory: '1Gi' } }]
  expect(rows(nodeTable(nodes, new Map([['n1', { cpu: '2', memory: '4Gi' }]]), { headers: false }))).toEqual([
    'n1 500m 25% 1024Mi 25%',
  ])
})

test('patches as users write them', async () => {
  expect(parsePatch('spec: {replicas: 2}')).toEqual({ spec: { replicas: 2 } })
  expect(parsePatch('{"a"')).toBe('{"a"')
  const type = {
    group: 'x.io',
    version: 'v1',
    kind: 'X',
    plural: 'xs',
    singular: 'x',
    shortNames: [],
    namespaced: true,
    verbs: [],
    categories: [],
  }
  expect(await applyLocally({ a: 1 }, { b: 2 }, 'merge', type)).toEqual({ a: 1, b: 2 })
  await expect(applyLocally({ a: 1 }, { b: 2 }, 'strategic', type)).rejects.toThrow('not supported for custom resources')
})

test('strings are quoted as Go quotes them', () => {
  expect(
    printYaml({ a: '1', b: 'yes', c: '*/5 * * * *', d: '', e: 'plain', f: '10.0.0.1', g: '1:30', h: '2026-01-01', i: '{x}' }),
  ).toBe(`a: "1"\nb: "yes"\nc: '*/5 * * * *'\nd: ""\ne: plain\nf: 10.0.0.1\ng: "1:30"\nh: "2026-01-01"\ni: '{x}'`)
})

describe('words to finish a line with', () => {
  const program = new Command('kubelab').option('--namespace <name>')
  program.command('get').option('--watch')
  program.command('exec')
  program.command('rollout').command('status')
  const types = ['pods', 'po', 'nodes']

  test.each([
    [[], 'e', { words: ['exec'] }],
    [['get'], 'p', { words: ['pods', 'po'] }],
    [['get', 'pods'], 'w', { words: [], namesOf: 'pods' }],
    [['get'], 'pods/w', { words: [], namesOf: 'pods', prefix: 'pods/' }],
    [['get'], '--', { words: ['--namespace', '--watch'] }],
    [['exec'], '', { words: [], namesOf: 'pods' }],
    [['rollout'], 's', { words: ['status'] }],
  ])('%j %s', (typed, current, found) => {
    expect(complete(program, typed, current, types)).toEqual(found)
  })
})

test.each([
  ['30', 30_000],
  ['1m30s', 90_000],
  ['0', 0],
  ['-1s', 0],
  ['1000h', 2 ** 31 - 1],
])('a request may take %s', (text, ms) => {
  expect(parseRequestTimeout(text)).toBe(ms)
})

test('a time that nobody can read is refused', () => {
  expect(() => parseRequestTimeout('soon')).toThrow('Invalid timeout value. Timeout must be a single integer in seconds')
})

test('a copy out of a container runs as nobody else, whatever the container says of it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubelab-cp-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const tar = pack()
  tar.entry({ name: 'tool', mode: 0o6755 }, '#!/bin/sh')
  tar.finalize()
  expect(await unpackFiles(Readable.from(tar), 'tool', path.join(folder, 'tool'), () => {})).toBe(1)
  expect((await stat(path.join(folder, 'tool'))).mode & 0o7000).toBe(0)
})
