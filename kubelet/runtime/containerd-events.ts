/** Tells at once which container exited or ran out of memory: CRI in containerd 1.6 has no such stream, containerd has. */
import { type ClientReadableStream, credentials, Metadata } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { loadService, toGrpcTarget } from './cri-client.ts'

export interface ContainerEvent {
  type: 'exit' | 'oom'
  /** Of a container or a sandbox. */
  containerId: string
}

export interface EventStream {
  /** False while the stream is down and only relisting finds exits. */
  connected(): boolean
  stop(): void
}

interface Envelope {
  topic: string
  event: { type_url: string; value: Buffer } | null
}

interface Decoded {
  containerId: string
  id?: string
}

const criNamespace = 'k8s.io'
const retryMs = 500

export interface EventListener {
  clock: Clock
  logger: Logger
  onEvent(event: ContainerEvent): void
  /** Events may have been missed: at the start and after each reconnect. */
  onReset(): void
}

export function subscribeToContainerd(endpoint: string, { clock, logger, onEvent, onReset }: EventListener): EventStream {
  const client = new (loadService('./containerd-events.proto', 'containerd.services.events.v1', 'Events'))(
    toGrpcTarget(endpoint),
    credentials.createInsecure(),
  )
  const decode = loadDecoders()
  let connected = false
  let stopped = false
  let stream: ClientReadableStream<Envelope> | undefined

  const open = () => {
    if (stopped) return
    const metadata = new Metadata()
    metadata.set('containerd-namespace', criNamespace)
    const subscribe = (client.Subscribe as (request: unknown, metadata: Metadata) => ClientReadableStream<Envelope>).bind(client)
    const filters = ['/tasks/exit', '/tasks/delete', '/tasks/oom'].map((topic) => `topic=="${topic}",namespace==${criNamespace}`)
    stream = subscribe({ filters }, metadata)
    // containerd sends no header before its first event, so a ready channel is the only sign that the stream stands.
    client.waitForReady(Date.now() + 5_000, (error) => {
      if (error || stopped) return
      connected = true
      onReset()
    })
    stream.on('data', (envelope: Envelope) => {
      connected = true
      const event = toContainerEvent(envelope, decode)
      if (event) onEvent(event)
    })
    stream.on('error', (error) => {
      if (!stopped) logger.warn('containerd event stream broke', { error: error.message })
    })
    stream.on('close', () => {
      connected = false
      clock.setTimeout(open, retryMs)
    })
  }
  open()

  return {
    connected: () => connected,
    stop() {
      stopped = true
      stream?.cancel()
      client.close()
    },
  }
}

type Decode = (typeName: string, value: Buffer) => Decoded

function loadDecoders(): Decode {
  const path = fileURLToPath(new URL('./containerd-events.proto', import.meta.url))
  const definition = loadSync(path, { defaults: true })
  return (typeName, value) => {
    const type = definition[`containerd.services.events.v1.${typeName}`]
    if (!type || !('deserialize' in type)) throw new Error(`Cannot decode event ${typeName}: its message is not known`)
    return (type.deserialize as (bytes: Buffer) => unknown)(value) as Decoded
  }
}

function toContainerEvent({ topic, event }: Envelope, decode: Decode): ContainerEvent | undefined {
  if (!event) return undefined
  const typeName = topic === '/tasks/oom' ? 'TaskOOM' : topic === '/tasks/exit' ? 'TaskExit' : 'TaskDelete'
  const { containerId, id } = decode(typeName, event.value)
  // A process that exec started has its own id; only the first process is the container.
  if (id && id !== containerId) return undefined
  return { type: topic === '/tasks/oom' ? 'oom' : 'exit', containerId }
}
