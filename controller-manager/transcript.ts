/**
 * For tests: a story in YAML (objects, and what happens to them) told back as what the controllers did about it, in order, and what
 * was there in the end. People read the result; times are written as distances from `<Now>`.
 */
import { parse, stringify } from 'yaml'
import type { Pod } from '../api/generated/types.ts'
import { parseDuration } from '../api/duration.ts'
import type { KindName } from '../api/kinds.ts'
import { keyOf, type KubeObject } from '../api/object.ts'
import type { Action } from '../client/controller.ts'
import { createModel, type Model, type Runnable } from './model.ts'
import { isActive, isFinished, isReady } from './pods.ts'

/** Which pods: how many of those that it can happen to, oldest first, or those of a name that begins so. */
type Which = number | 'all' | { name: string; count?: number; exitCode?: number }

export interface Step {
  /** What happens, in a person's words. */
  say: string
  /** Objects that are made, or merged into those of the same name; null removes a field. */
  apply?: KubeObject[]
  delete?: { kind: KindName; name: string }[]
  /** What a kubelet reports. */
  ready?: Which
  unready?: Which
  succeed?: Which
  fail?: Which
  /** Pods on their way out have ended. */
  gone?: Which
  wait?: string
}

export interface Story {
  about: string
  /** By the names that `--controllers` takes. */
  controllers: string[]
  steps: Step[]
  /** Kinds of objects that the end of the transcript shows. */
  show: KindName[]
}

const namespace = 'default'
const clusterScoped = new Set(['Node', 'Namespace', 'PersistentVolume'])

export function tell(text: string, available: ReadonlyMap<string, Runnable>): string {
  const story = parse(text) as Story
  const controllers = story.controllers.map((name) => {
    const found = available.get(name)
    if (!found) throw new Error(`Cannot tell a story with ${name}: no controller has that name`)
    return found
  })
  const model = createModel(controllers, { gracefulPods: true })
  const start = model.now
  const lines = [
    ...story.about
      .trim()
      .split('\n')
      .map((line) => `# ${line}`),
  ]
  for (const step of story.steps) {
    happen(model, step)
    lines.push('', `== ${step.say}`, ...settle(model, controllers))
  }
  lines.push('', '== in the end', ...story.show.flatMap((kind) => model.list(kind)).map(showObject))
  return `${relativeTo(start, lines.join('\n'))}\n`
}

function happen(model: Model, step: Step): void {
  for (const { kind, metadata, ...fields } of step.apply ?? []) {
    const where = clusterScoped.has(kind) ? {} : { namespace }
    const key = keyOf({ metadata: { ...where, name: metadata.name } })
    const known = model.get(kind as KindName, key)
    if (known) model.merge(kind as KindName, key, { metadata, ...fields })
    else model.add(kind as KindName, { ...fields, metadata: { ...where, ...metadata } } as never)
  }
  for (const { kind, name } of step.delete ?? []) {
    const key = clusterScoped.has(kind) ? { name } : { namespace, name }
    model.apply([{ do: 'delete', kind, key }])
  }
  if (step.wait) model.now = new Date(model.now.getTime() + parseDuration(step.wait))
  report(
    model,
    step.ready,
    (pod) => isActive(pod) && !isReady(pod),
    () => running(model, true),
  )
  report(model, step.unready, isReady, () => running(model, false))
  report(
    model,
    step.succeed,
    (pod) => !isFinished(pod),
    () => ended(model, 0),
  )
  report(
    model,
    step.fail,
    (pod) => !isFinished(pod),
    (exitCode) => ended(model, exitCode ?? 1),
  )
  for (const pod of chosen(model, step.gone, ({ metadata }) => metadata.deletionTimestamp !== undefined)) {
    // What is held by a finalizer stays, but runs no more.
    if (!pod.metadata.finalizers?.length) model.delete('Pod', keyOf(pod))
    else model.change('Pod', keyOf(pod), (ending) => void (ending.status = { ...ending.status, phase: 'Failed' }))
  }
}

function report(
  model: Model,
  which: Which | undefined,
  fits: (pod: Pod) => boolean,
  status: (exitCode?: number) => Pod['status'],
): void {
  for (const pod of chosen(model, which, fits)) {
    model.change('Pod', keyOf(pod), (changed) => {
      changed.status = { ...changed.status, ...status(typeof which === 'object' ? which.exitCode : undefined) }
    })
  }
}

function chosen(model: Model, which: Which | undefined, fits: (pod: Pod) => boolean): Pod[] {
  if (which === undefined) return []
  const { name = '', count = which === 'all' || typeof which === 'object' ? Infinity : which } =
    typeof which === 'object' ? which : {}
  const found = model
    .list('Pod')
    .filter((pod) => pod.metadata.name.startsWith(name) && fits(pod))
    .slice(0, count)
  if (found.length === 0) throw new Error(`Cannot go on: there is no pod for ${JSON.stringify(which)}`)
  return found
}

const running = ({ now }: Model, ready: boolean): Pod['status'] => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: now.toISOString() }],
})

const ended = ({ now }: Model, exitCode: number): Pod['status'] => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: now.toISOString() }],
  containerStatuses: [{ name: 'c', state: { terminated: { exitCode, finishedAt: now.toISOString() } } } as never],
})

/** Rounds of all controllers until none writes; each act as a line. */
function settle(model: Model, controllers: readonly Runnable[]): string[] {
  const lines: string[] = []
  for (let round = 0; round < 100; round++) {
    const from = model.done.length
    for (const controller of controllers) {
      for (const object of model.list(controller.for)) lines.push(...look(model, controller, object))
    }
    if (model.done.slice(from).every(({ action }) => isTalk(action))) return lines.length === 0 ? ['(nothing to do)'] : lines
  }
  throw new Error('Cannot end the story: the controllers still write after 100 rounds')
}

const isTalk = (action: Action): boolean => action.do === 'event' || action.do === 'requeue'

function look(model: Model, controller: Runnable, object: KubeObject): string[] {
  const from = model.done.length
  const observed = controller.observe(object as never, model.cache)
  model.apply(controller.reconcile(object as never, observed as never, model.now))
  const told = model.done.slice(from).filter(({ action }) => action.do !== 'requeue')
  return told.length === 0 ? [] : [`${controller.name} looks at ${keyOf(object)}`, ...told.map((each) => `  ${showAction(each)}`)]
}

const inline = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()

function showAction({ action, object }: { action: Action; object?: KubeObject }): string {
  switch (action.do) {
    case 'create':
      return `create ${action.kind} ${object?.metadata.name}${sizeOf(object)}`
    case 'update':
      return `update ${action.kind} ${action.object.metadata.name}`
    case 'patch': {
      const { metadata: { uid: _uid, resourceVersion: _version, ...metadata } = {}, ...fields } = action.patch as {
        metadata?: Record<string, unknown>
      }
      const change = { ...(Object.keys(metadata).length > 0 ? { metadata } : {}), ...fields }
      return `patch ${action.kind} ${action.key.name} ${inline(change)}`
    }
    case 'delete':
      return `delete ${action.kind} ${action.key.name}${action.propagationPolicy ? ` (${action.propagationPolicy})` : ''}`
    case 'event':
      return `event ${action.type} ${action.reason}: ${action.message}`
    default:
      return action.do
  }
}

function sizeOf(object: KubeObject | undefined): string {
  const { replicas } = ((object as { spec?: { replicas?: number } })?.spec ?? {}) as { replicas?: number }
  return replicas === undefined ? '' : ` of ${replicas}`
}

/** Without what every object has and what only the model knows. */
function showObject(object: KubeObject): string {
  const { uid: _uid, resourceVersion: _version, generation: _generation, ...metadata } = object.metadata
  return `---\n${stringify({ ...object, metadata }, { lineWidth: 0, aliasDuplicateObjects: false }).trim()}`
}

const relativeTo = (start: Date, text: string): string =>
  text.replace(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => {
    const seconds = Math.round((Date.parse(time) - start.getTime()) / 1000)
    return seconds === 0 ? '<Now>' : `<Now${seconds > 0 ? '+' : ''}${seconds}s>`
  })
