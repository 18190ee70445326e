/** Writers and watchers of config maps that go on whatever dies, and what etcd itself says has happened meanwhile. */
import { request } from 'node:https'
import { EtcdClient } from '../../apiserver/storage/etcd-client.ts'
import { prefixEnd } from '../../apiserver/storage/etcd-messages.ts'
import { systemClock } from '../../component/clock.ts'
import { silentLogger } from '../../component/logger.ts'
import type { EtcdProcess } from '../etcd-process.ts'
import type { ApiServerProcess } from './api-server-process.ts'
import { createHttpClient, type Answer } from './http-client.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const KEYS = '/registry/core/configmaps/default/'
const MERGE = { 'content-type': 'application/merge-patch+json' }
/** Before a server that refused is asked again. */
const RETRY_MS = 25

const pause = () => new Promise((resolve) => setTimeout(resolve, RETRY_MS))

type Operation = 'create' | 'patch' | 'delete'

export interface Writers {
  /** `<operation> <name>` of writes that were acknowledged, to the revision that the answer told (deletions tell none). */
  acknowledged: Map<string, number | undefined>
  /** Writes that lost their answer, or were answered 5xx: committed or not, nobody can know. */
  unknown: Set<string>
  /** Refusals that nobody else's write explains: what a write that is done twice looks like. */
  surprises: string[]
  /** Resolves when so many more have been acknowledged. */
  more(count: number): Promise<void>
  stop(): Promise<void>
}

/** Each creates an object, changes it and deletes it, again and again, by the server that answered last. Names begin with `prefix`. */
export function startWriters(servers: readonly ApiServerProcess[], count: number, prefix: string): Writers {
  const clients = servers.map((server) => createHttpClient(server))
  const acknowledged = new Map<string, number | undefined>()
  const unknown = new Set<string>()
  const surprises: string[] = []
  const waiting = new Set<{ goal: number; resolve: () => void }>()
  let running = true

  const acknowledge = (what: string, revision: number | undefined) => {
    acknowledged.set(what, revision)
    for (const wait of waiting) {
      if (acknowledged.size < wait.goal) continue
      waiting.delete(wait)
      wait.resolve()
    }
  }
  const send = (client: number, operation: Operation, name: string): Promise<Answer> => {
    const call = clients[client]!
    const object = { metadata: { name }, data: { last: `${operation} ${name}` } }
    if (operation === 'create') return call('POST', MAPS, { body: object })
    if (operation === 'patch') return call('PATCH', `${MAPS}/${name}`, { body: object, headers: MERGE })
    return call('DELETE', `${MAPS}/${name}`)
  }
  const write = async (id: number) => {
    let at = id
    for (let round = 0; running; round++) {
      const name = `${prefix}${id}-${round}`
      for (const operation of ['create', 'patch', 'delete'] as const) {
        const what = `${operation} ${name}`
        const answer = await send(at % clients.length, operation, name).catch(() => undefined)
        if (!answer || answer.code >= 500 || answer.code === 429) {
          unknown.add(what)
          at++
          await pause()
          break
        }
        if (answer.code >= 400) surprises.push(`${what}: ${answer.code} ${answer.text}`)
        else acknowledge(what, operation === 'delete' ? undefined : Number(answer.json.metadata.resourceVersion))
      }
    }
  }
  const all = Promise.all(Array.from({ length: count }, (_, id) => write(id)))
  return {
    acknowledged,
    unknown,
    surprises,
    more: (wanted) => new Promise((resolve) => void waiting.add({ goal: acknowledged.size + wanted, resolve })),
    async stop() {
      running = false
      await all
    },
  }
}

export interface Follower {
  /** `<type> <name>@<revision>`, as they came. */
  events: string[]
  /** ERROR events and refusals: a watch that cannot go on where it was. */
  problems: string[]
  /** Resolves when it has seen an event of this revision or a later one. */
  reached(revision: number): Promise<void>
  close(): void
}

/** Watches from `revision` on, by whichever server answers, and resumes behind the last event that it has seen. */
export function startFollower(servers: readonly ApiServerProcess[], from: number, first: number): Follower {
  const events: string[] = []
  const problems: string[] = []
  const waiting = new Set<{ revision: number; resolve: () => void }>()
  let seen = from
  let at = first
  let open = true
  let end = () => {}

  const take = (line: string) => {
    const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { name: string; resourceVersion: string } } }
    if (type === 'ERROR') return void problems.push(line)
    seen = Number(object.metadata.resourceVersion)
    events.push(`${type} ${object.metadata.name}@${seen}`)
    for (const wait of waiting) {
      if (seen < wait.revision) continue
      waiting.delete(wait)
      wait.resolve()
    }
  }
  const again = () => {
    if (!open) return
    at++
    void pause().then(connect)
  }
  const connect = () => {
    if (!open) return
    const { port, ca, token } = servers[at % servers.length]!
    const path = `${MAPS}?watch=1&resourceVersion=${seen}`
    const headers = { authorization: `Bearer ${token}` }
    let answered = false
    const outgoing = request({ host: '127.0.0.1', port, ca, path, headers, agent: false }, (incoming) => {
      answered = true
      let rest = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        if (incoming.statusCode === 200) for (const line of lines) take(line)
      })
      // A connection that breaks has an error and then a close.
      incoming.on('error', () => {})
      incoming.on('close', again)
    })
    outgoing.on('error', () => {
      if (!answered) again()
    })
    end = () => outgoing.destroy()
    outgoing.end()
  }
  connect()
  return {
    events,
    problems,
    reached: (revision) =>
      new Promise((resolve) => {
        if (seen >= revision) resolve()
        else waiting.add({ revision, resolve })
      }),
    close() {
      open = false
      end()
    },
  }
}

/** A write of its own, made until it succeeds; answers its revision. */
export async function mark(server: ApiServerProcess): Promise<number> {
  const call = createHttpClient(server)
  for (;;) {
    const answer = await call('POST', MAPS, { body: { metadata: { generateName: 'mark-' } } }).catch(() => undefined)
    if (answer?.code === 201) return Number(answer.json.metadata.resourceVersion)
    await pause()
  }
}

export interface Committed {
  /** As followers note them. */
  line: string
  revision: number
  /** What wrote it, as writers name it; undefined for marks. */
  what: string | undefined
}

/** Every change of the config maps after `from` up to `to`, from etcd's own history. */
export async function committedHistory({ endpoint, tls }: EtcdProcess, from: number, to: number): Promise<Committed[]> {
  const client = new EtcdClient({ endpoints: [endpoint], tls, clock: systemClock, logger: silentLogger })
  const history: Committed[] = []
  await new Promise<void>((resolve, reject) => {
    const create = { key: KEYS, rangeEnd: prefixEnd(KEYS), startRevision: from + 1 }
    const stream = client.watch(
      create,
      ({ events }) => {
        for (const { type, kv } of events) {
          const name = kv.key.slice(KEYS.length)
          const seen = type === 'delete' ? 'DELETED' : kv.version === 1 ? 'ADDED' : 'MODIFIED'
          const last = /"last":"([^"]+)"/.exec(kv.value.toString())?.[1]
          const what = type === 'delete' ? `delete ${name}` : last
          history.push({ line: `${seen} ${name}@${kv.modRevision}`, revision: kv.modRevision, what })
        }
        if ((history.at(-1)?.revision ?? 0) >= to) resolve()
      },
      reject,
    )
    stream.catch(reject)
  })
  client.close()
  return history
}
