/** Keeps an APIService for every group version that this server answers itself, custom resources among them, as upstream lists them. */
import { randomUUID } from 'node:crypto'
import type { APIService, APIServiceSpec, CustomResourceDefinition } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ApiContext } from '../api-context.ts'
import { prefixOfKind } from '../cluster-reader.ts'
import { REVIEW_DEFINITIONS } from '../endpoints/review.ts'
import type { ResourceDefinition } from '../resources/resource.ts'
import { sameJson } from '../resources/rules/same-json.ts'
import type { Entry, Subscription } from '../storage/store.ts'
import { toSeconds } from '../writes/write-steps.ts'

const MANAGED_LABEL = 'kube-aggregator.kubernetes.io/automanaged'

/** Where a group stands among the others: upstream's numbers, which clients sort by. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'resource.k8s.io': 15_900,
}

/** The registration of registrations is not registered. */
const OWN_GROUP = 'apiregistration.k8s.io'

export interface LocalRegistration {
  /** Somebody has changed it: it is put right. */
  sync(name: string): void
  /** Resolves when all that are missing have been written. Never rejects. */
  start(): Promise<void>
  close(): void
}

type Parts = Pick<ApiContext, 'store' | 'logger' | 'now' | 'stopping' | 'health'>

export function registerLocal({ store, logger, now, stopping, health }: Parts, definitions: readonly ResourceDefinition[]) {
  const prefix = prefixOfKind('APIService')
  const customPrefix = prefixOfKind('CustomResourceDefinition')
  const builtIn = new Map([...definitions, ...REVIEW_DEFINITIONS].flatMap(specsOf).map((spec) => [nameOf(spec), spec]))
  let subscription: Subscription | undefined
  let waiting: readonly string[] = [...builtIn.keys()]
  let started = false
  health.add({
    name: 'autoregister-completion',
    check: () => (waiting.length > 0 ? `missing APIService: [${waiting.join(' ')}]` : null),
  })

  const wantedFor = (name: string): APIServiceSpec | undefined => {
    const known = builtIn.get(name)
    if (known) return known
    const dot = name.indexOf('.')
    const [version, group] = [name.slice(0, dot), name.slice(dot + 1)]
    const serves = (entry: Entry) => {
      const { spec } = entry.object() as CustomResourceDefinition
      return spec.group === group && spec.versions.some((one) => one.served && one.name === version)
    }
    return store.list(customPrefix).some(serves)
      ? { group, version, groupPriorityMinimum: 1000, versionPriority: 100 }
      : undefined
  }
  const put = async (name: string) => {
    const entry = store.get(prefix + name)
    const current = entry?.object() as APIService | undefined
    const wanted = wantedFor(name)
    const managed = current?.metadata.labels?.[MANAGED_LABEL]
    if (!entry || !current) {
      if (wanted) await store.create(prefix + name, toApiService(wanted, builtIn.has(name), toSeconds(now())))
      return
    }
    // Whoever takes the label away takes it over, to have another server answer for it.
    if (managed === undefined) return
    if (!wanted) await store.delete(entry.key, entry.revision)
    else if (!sameJson(current.spec, wanted))
      await store.update(entry.key, { ...current, spec: wanted } as KubeObject, entry.revision)
  }
  const sync = (name: string) => {
    if (!started || stopping.aborted) return
    put(name).catch((error: unknown) => {
      logger.warn('cannot register an API', { name, error })
      setTimeout(() => sync(name), 1000).unref()
    })
  }
  const followCustom = () => {
    const namesOf = (entry: Entry | undefined) => {
      const { spec } = (entry?.object() ?? { spec: { versions: [] } }) as unknown as CustomResourceDefinition
      return spec.versions.map(({ name }) => `${name}.${spec.group}`)
    }
    for (const name of store.list(customPrefix).flatMap(namesOf)) sync(name)
    subscription = store.watch(customPrefix, store.revision(), {
      onEvent: ({ entry, previous }) => {
        for (const name of new Set([...namesOf(entry), ...namesOf(previous)])) sync(name)
      },
      onEnd: (reason) => {
        if (!stopping.aborted && reason.code !== 503) followCustom()
      },
    })
  }
  const registration: LocalRegistration = {
    sync,
    async start() {
      started = true
      followCustom()
      const present = store.list(prefix).map(({ name }) => name)
      const missing = async (name: string) => {
        await put(name)
        waiting = waiting.filter((one) => one !== name)
      }
      await Promise.all([...new Set([...builtIn.keys(), ...present])].map((name) => retry(() => missing(name), stopping)))
    },
    close: () => subscription?.close(),
  }
  return registration
}

async function retry(attempt: () => Promise<void>, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    try {
      return await attempt()
    } catch {
      // The store is not to be had: its own health check says so.
      await new Promise((resolve) => setTimeout(resolve, 1000).unref())
    }
  }
}

const nameOf = ({ group = '', version }: APIServiceSpec) => `${version}.${group}`

function specsOf({ names }: ResourceDefinition): APIServiceSpec[] {
  const { group, versions } = names
  const groupPriorityMinimum = GROUP_PRIORITIES[group]
  if (group === OWN_GROUP || groupPriorityMinimum === undefined) return []
  return versions.map((version) => ({
    ...(group && { group }),
    version,
    groupPriorityMinimum,
    versionPriority: priorityOf(group, version),
  }))
}

function priorityOf(group: string, version: string): number {
  if (group === '') return 1
  const number = Number(/^v(\d+)$/.exec(version)?.[1] ?? 0)
  return number > 0 ? number * 15 : version.includes('beta') ? 9 : 1
}

const toApiService = (spec: APIServiceSpec, isBuiltIn: boolean, time: string) =>
  ({
    apiVersion: `${OWN_GROUP}/v1`,
    kind: 'APIService',
    metadata: {
      name: nameOf(spec),
      uid: randomUUID(),
      creationTimestamp: time,
      labels: { [MANAGED_LABEL]: isBuiltIn ? 'onstart' : 'true' },
    },
    spec,
    status: {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: time,
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    },
  }) as KubeObject
