/** GET of component statuses: each component is asked for its health while the client waits. */
import * as https from 'node:https'
import type { ComponentStatus, ObjectMeta } from '../../api/generated/types.ts'
import { notFound } from '../../api/status.ts'
import type { ApiContext, Endpoint } from '../api-context.ts'
import { negotiate } from '../answers/negotiate.ts'
import { readSelection } from '../reads/selection.ts'
import { sendObject } from '../answers/send-object.ts'
import type { Entry } from '../storage/store.ts'
import { sendPage } from './list.ts'

/** Answers what is wrong with a component, or null. */
type Ask = (context: ApiContext) => Promise<string | null>

const ANSWER_MS = 20_000

/** As upstream: beside the API server, at the ports that these always have. Their certificates are their own, and prove nothing here. */
const atPort =
  (port: number): Ask =>
  () =>
    new Promise((resolve) => {
      const url = `https://127.0.0.1:${port}/healthz`
      const complain = ({ message }: Error) => resolve(`Get "${url}": ${message}`)
      https
        .get(url, { rejectUnauthorized: false, agent: false, timeout: ANSWER_MS }, (answer) => {
          answer.resume()
          resolve(answer.statusCode === 200 ? null : `HTTP probe failed with statuscode: ${answer.statusCode}`)
        })
        .on('timeout', function (this: { destroy(error: Error): void }) {
          this.destroy(new Error('no answer in time'))
        })
        .on('error', complain)
    })

const components: ReadonlyMap<string, Ask> = new Map<string, Ask>([
  ['controller-manager', atPort(10257)],
  ['scheduler', atPort(10259)],
  ['etcd-0', ({ store }) => store.healthy()],
])

export const getComponentStatus: Endpoint = async (context, request) => {
  const ask = components.get(request.info.name)
  if (!ask) throw notFound('', 'componentstatuses', request.info.name)
  await sendObject(context, request, 200, statusOf(request.info.name, await ask(context)))
}

export const listComponentStatuses: Endpoint = async (context, request) => {
  const accepted = negotiate(request.raw.headers.accept, ['Table', 'PartialObjectMetadataList'])
  const { matches } = readSelection(request.info, request.resource)
  const all = await Promise.all([...components].map(async ([name, ask]) => entryOf(statusOf(name, await ask(context)))))
  await sendPage(context, request, accepted, { entries: all.filter(matches), metadata: {} })
}

function statusOf(name: string, complaint: string | null): ComponentStatus {
  const condition = { type: 'Healthy', status: complaint === null ? 'True' : 'False', message: complaint ?? 'ok' }
  return { kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name } as ObjectMeta, conditions: [condition] }
}

/** In the shape in which stored objects are listed. */
function entryOf(object: ComponentStatus): Entry {
  const { name = '' } = object.metadata
  const bytes = Buffer.from(JSON.stringify(object))
  return { key: name, revision: 0, namespace: '', name, uid: '', labels: {}, fields: {}, bytes, object: () => object }
}
