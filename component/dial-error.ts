/** What Go says of a connection that did not come about: clients, scripts and tests look for its words. */
const causes: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'connect: connection timed out',
}

/** Undefined for a failure of another kind. */
export function dialError({ code }: { code?: string | undefined }, host: string, port: number): string | undefined {
  const cause = causes[code ?? '']
  return cause && `dial tcp ${host}:${port}: ${cause}`
}
