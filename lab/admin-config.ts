/** Who the supervisor is to the API server, the administrator, for as long as the lab runs: longer than a certificate is good for. */
import { type ClientConfig, loadClientConfig } from '../client/kubeconfig.ts'

export interface AdminConfig {
  /** For every client that the supervisor holds: each request shows the certificate that was read last. */
  config: ClientConfig
  /** Reads the kubeconfig again, after a renewal. */
  refresh(): Promise<void>
}

export async function openAdminConfig(kubeconfig: string): Promise<AdminConfig> {
  const read = async () => {
    const { cert, key, ...rest } = await loadClientConfig({ path: kubeconfig })
    if (!cert || !key) throw new Error(`Cannot be the administrator: ${kubeconfig} has no client certificate`)
    return { rest, certificate: { cert, key } }
  }
  const first = await read()
  let shown = first.certificate
  return {
    config: { ...first.rest, clientCertificate: () => shown },
    async refresh() {
      const { certificate } = await read()
      // Another object is another certificate, for which all connections are opened anew.
      if (certificate.cert !== shown.cert) shown = certificate
    },
  }
}
