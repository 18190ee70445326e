/** Every change in order, for those who watch: from any revision that is not forgotten, and on as changes come. */
import { deepCopy } from '../../api/json.ts'
import type { KindName } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/object.ts'
import { expired } from '../../api/status.ts'
import type { WatchEvent } from '../api-client.ts'

export interface Change {
  revision: number
  kind: KindName
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: KubeObject
  old: KubeObject | undefined
}

export type Match = (object: KubeObject) => boolean

export interface ChangeLog {
  append(change: Change): void
  /** Throws 410 Expired when what came after `from` is forgotten. */
  follow(kind: KindName, from: number, matches: Match, signal?: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>>
  /** All that watch are told what they have not read yet, and then that it is over. */
  endAll(): void
  /** Forgets everything up to this revision. */
  forget(revision: number): void
}

interface Watcher {
  push(change: Change): void
  end(): void
}

export function createChangeLog(): ChangeLog {
  const watchers = new Set<Watcher>()
  let history: Change[] = []
  let forgotten = 0

  async function* read(kind: KindName, from: number, matches: Match, signal?: AbortSignal) {
    const queue = history.filter((change) => change.kind === kind && change.revision > from)
    let wake = () => {}
    let ended = signal?.aborted ?? false
    const watcher: Watcher = {
      push(change) {
        if (change.kind !== kind) return
        queue.push(change)
        wake()
      },
      end() {
        ended = true
        wake()
      },
    }
    watchers.add(watcher)
    signal?.addEventListener('abort', watcher.end, { once: true })
    try {
      while (!ended || queue.length > 0) {
        const change = queue.shift()
        const event = change && toEvent(change, matches)
        if (event) yield event
        else if (!change) await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      watchers.delete(watcher)
      signal?.removeEventListener('abort', watcher.end)
    }
  }

  return {
    append(change) {
      history.push(change)
      for (const watcher of watchers) watcher.push(change)
    },
    follow(kind, from, matches, signal) {
      if (from < forgotten) throw expired(`too old resource version: ${from} (${forgotten})`)
      return read(kind, from, matches, signal)
    },
    endAll() {
      for (const watcher of watchers) watcher.end()
    },
    forget(revision) {
      forgotten = revision
      history = []
    },
  }
}

/** An object that a change moves out of the selection was deleted as far as this watcher can tell, and the other way round. */
function toEvent({ type, object, old }: Change, matches: Match): WatchEvent<KubeObject> | undefined {
  const before = old !== undefined && matches(old)
  const after = type !== 'DELETED' && matches(object)
  if (!before && !after) return undefined
  return { type: !before ? 'ADDED' : after ? 'MODIFIED' : 'DELETED', object: deepCopy(object) }
}
