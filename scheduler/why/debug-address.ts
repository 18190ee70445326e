/** Where the leader can be asked for its reasons: told with its lease, so that `kubelab why` needs no other directory. */
import { networkInterfaces } from 'node:os'

/** `https://host:port` of its debug pages, and the certificate that it shows there. */
const debugUrlAnnotation = 'kubelab.local/debug-url'
const debugCertificateAnnotation = 'kubelab.local/debug-certificate'

export function describeDebugAddress(bindAddress: string, port: number, certificate: string): Record<string, string> {
  const host = isWildcard(bindAddress) ? ownAddress() : bindAddress
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  return { [debugUrlAnnotation]: url, [debugCertificateAnnotation]: certificate }
}

const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::' || address === ''

/** The first address that others may reach. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1'
}
