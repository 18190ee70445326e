/** The container runtime over its socket: one typed function a CRI call. */
import {
  type ClientUnaryCall,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { fileURLToPath } from 'node:url'
import type { CriCalls } from './cri-types.ts'

export interface CriOptions {
  /** 0 or unset: two minutes, as upstream's `--runtime-request-timeout`. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** A call rejects with an error that has a gRPC `code`; `isNotFound` tells the one that is often no failure. */
export interface Cri {
  call<N extends keyof CriCalls>(name: N, request: CriCalls[N][0], options?: CriOptions): Promise<CriCalls[N][1]>
  close(): void
}

type Unary = (
  request: unknown,
  options: { deadline: number },
  done: (error: ServiceError | null, answer: unknown) => void,
) => ClientUnaryCall

const imageCalls = new Set<keyof CriCalls>(['ListImages', 'ImageStatus', 'PullImage', 'RemoveImage', 'ImageFsInfo'])
const defaultTimeoutMs = 120_000

/** `unix:///run/containerd/containerd.sock`, or the bare path. */
export const toGrpcTarget = (endpoint: string): string => (endpoint.startsWith('unix:') ? endpoint : `unix://${endpoint}`)

export function loadService(file: string, packageName: string, service: string): ServiceClientConstructor {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const definition = loadSync(path, { longs: Number, enums: String, defaults: true, arrays: true, objects: true })
  const loaded = loadPackageDefinition(definition)
  const scope = packageName.split('.').reduce((at, part) => at[part] as GrpcObject, loaded)
  return scope[service] as ServiceClientConstructor
}

export function connectCri(endpoint: string): Cri {
  const target = toGrpcTarget(endpoint)
  // A listing of many pods is larger than gRPC's 4 MB; containerd itself sends up to 16.
  const options = { 'grpc.max_receive_message_length': 64 << 20 }
  const runtime = new (loadService('./cri.proto', 'runtime.v1', 'RuntimeService'))(target, credentials.createInsecure(), options)
  const images = new (loadService('./cri.proto', 'runtime.v1', 'ImageService'))(target, credentials.createInsecure(), options)

  return {
    call(name, request, { timeoutMs, signal } = {}) {
      const client = imageCalls.has(name) ? images : runtime
      const method = (client[name] as Unary).bind(client)
      return new Promise((resolve, reject) => {
        const deadline = Date.now() + (timeoutMs || defaultTimeoutMs)
        const call = method(request, { deadline }, (error, answer) => {
          signal?.removeEventListener('abort', cancel)
          if (error) reject(error)
          else resolve(answer as CriCalls[typeof name][1])
        })
        const cancel = () => call.cancel()
        signal?.addEventListener('abort', cancel, { once: true })
      })
    },
    close() {
      runtime.close()
      images.close()
    },
  }
}

const hasCode = (error: unknown, code: number): boolean => error instanceof Error && 'code' in error && error.code === code

export const isNotFound = (error: unknown): boolean => hasCode(error, status.NOT_FOUND)
/** For what is to go: that it is not there is as good. */
export async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

export const isDeadlineExceeded = (error: unknown): boolean => hasCode(error, status.DEADLINE_EXCEEDED)

/** As Go prints a gRPC error, and so as upstream's messages about images have it. */
export function fullRuntimeMessage(error: unknown): string {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'number')) return runtimeMessage(error)
  return `rpc error: code = ${goCodes[error.code] ?? `Code(${error.code})`} desc = ${runtimeMessage(error)}`
}

/** gRPC's codes in Go's spelling, by number. */
const goCodes = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
]

/** The runtime's own words, without gRPC's `5 NOT_FOUND:` before them. */
export const runtimeMessage = (error: unknown): string =>
  error instanceof Error
    ? 'details' in error && typeof error.details === 'string'
      ? error.details
      : error.message
    : String(error)
