/** How a call to etcd failed, and whether etcd may have acted on it. */

/** gRPC's status codes that mean something here. */
export const GRPC = { ok: 0, cancelled: 1, deadlineExceeded: 4, notFound: 5, outOfRange: 11, unavailable: 14 } as const

const NO_LEADER = 'etcdserver: no leader'

export class EtcdError extends Error {
  override readonly name = 'EtcdError'
  readonly code: number
  /** Etcd may have acted on the request: a write must not be taken for failed. */
  readonly sent: boolean

  constructor(code: number, message: string, sent: boolean) {
    super(message)
    this.code = code
    this.sent = sent
  }

  /** Etcd has answered that it did not begin: the same call may be made again, a write too. */
  get refused(): boolean {
    return this.code === GRPC.unavailable && this.message === NO_LEADER
  }
}
