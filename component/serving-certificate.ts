/** The certificate that a component serves with: the files it was given, or a self-signed one as upstream makes. */
import { hostname } from 'node:os'
import { createSelfSigned } from './self-signed.ts'
import { readPem } from './tls.ts'

export interface ServingCertificate {
  cert: string
  key: string
  /** Authorities of client certificates. */
  ca?: string | undefined
}

export async function loadServingCertificate(
  certFile: string | undefined,
  keyFile: string | undefined,
  clientCaFile: string | undefined,
  component: string,
): Promise<ServingCertificate> {
  const ca = clientCaFile ? readPem(clientCaFile, 'client CA') : undefined
  if (certFile && keyFile) return { cert: readPem(certFile, 'certificate'), key: readPem(keyFile, 'private key'), ca }
  if (certFile || keyFile) throw new Error('Cannot serve: --tls-cert-file and --tls-private-key-file must be given together')
  return { ...(await createSelfSigned(`${component}@${hostname()}`, ['localhost', hostname()], ['127.0.0.1'])), ca }
}
