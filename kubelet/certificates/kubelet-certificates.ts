/**
 * Who a kubelet is, from its first start to the last renewal: with a bootstrap token it asks for its first certificate, and
 * before one ends it asks for the next. Client and server take up the new one without a restart.
 */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'
import type { ApiClient } from '../../client/api-client.ts'
import { loadClientConfig, loadComponentConfig, type ClientConfig } from '../../client/kubeconfig.ts'
import { createApiClient } from '../../client/rest-client.ts'
import { computeBackoff } from '../../component/backoff.ts'
import type { Clock } from '../../component/clock.ts'
import type { Logger } from '../../component/logger.ts'
import { loadServingCertificate, type ServingCertificate } from '../../component/serving-certificate.ts'
import { currentFile, pickGood, readCurrent, renewalTime, writeCurrent, type CertificateName } from './certificate-folder.ts'
import { requestCertificate, type CertificateWish, type KeyPair } from './request-certificate.ts'

export interface CertificateFlags {
  kubeconfig: string
  'bootstrap-kubeconfig'?: string | undefined
  'cert-dir': string
  'rotate-certificates': boolean
  'rotate-server-certificates': boolean
  'tls-cert-file'?: string | undefined
  'tls-private-key-file'?: string | undefined
  'client-ca-file'?: string | undefined
}

export interface Surroundings {
  nodeName: string
  nodeIps: readonly string[]
  clock: Clock
  logger: Logger
  /** Ends renewals. */
  signal: AbortSignal
}

/** A serving certificate that may be another one later. */
export interface RenewedServing extends ServingCertificate {
  /** Calls back with each new one. */
  onRenewed?: ((apply: (renewed: KeyPair) => void) => void) | undefined
}

export interface KubeletCertificates {
  config: ClientConfig
  tls: RenewedServing
  /** Renews what is to be renewed until the signal ends it. Never rejects: what goes wrong is logged. */
  follow(client: ApiClient): Promise<void>
}

const BACKOFF = { initialMs: 1_000, maxMs: 60_000, jitter: 0.5 }

export async function openCertificates(flags: CertificateFlags, around: Surroundings): Promise<KubeletCertificates> {
  const { config, client } = await openClient(flags, around)
  const serving = await openServing(flags, around)
  return {
    config,
    tls: serving.tls,
    async follow(api) {
      await Promise.all([
        flags['rotate-certificates'] && keepRenewed(client, clientWish(around), 'kubelet-client', api, flags, around),
        serving.held && keepRenewed(serving.held, servingWish(around), 'kubelet-server', api, flags, around),
      ]).catch((error: unknown) => around.logger.error('certificates are no longer renewed', { error }))
    },
  }
}

/** What is held now, and what to do with the next. */
interface Held {
  current: KeyPair | undefined
  apply(renewed: KeyPair): void
}

const clientWish = ({ nodeName }: Surroundings): CertificateWish => ({
  signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
  nodeName,
  names: [],
})

const servingWish = ({ nodeName, nodeIps }: Surroundings): CertificateWish => ({
  signerName: 'kubernetes.io/kubelet-serving',
  nodeName,
  names: [nodeName, ...nodeIps],
})

async function openClient(flags: CertificateFlags, around: Surroundings): Promise<{ config: ClientConfig; client: Held }> {
  const bootstrap = flags['bootstrap-kubeconfig']
  // A kubelet that may ask for its first certificate has no kubeconfig yet: it writes it when it has one.
  const config = bootstrap && !existsSync(flags.kubeconfig) ? undefined : await loadComponentConfig(flags.kubeconfig)
  if (config && !bootstrap && !flags['rotate-certificates']) return { config, client: { current: undefined, apply: () => {} } }
  const own = config?.cert && config.key ? { cert: config.cert, key: config.key } : undefined
  const kept = await readCurrent(flags['cert-dir'], 'kubelet-client')
  let current = pickGood([kept, own], config?.ca, around.clock.now())
  let settings = config
  if (!current && bootstrap) {
    const first = await loadClientConfig({ path: bootstrap })
    current = await bootstrapClient(first, flags, around)
    settings = await writeKubeconfig(first, flags)
  }
  // Without a good one of its own the server says what is wrong with what the kubeconfig holds.
  if (!settings || !current) return { config: settings!, client: { current: own, apply: () => {} } }
  let shown = current
  const client: Held = { current, apply: (renewed) => void (shown = renewed) }
  return { config: { ...settings, cert: undefined, key: undefined, clientCertificate: () => shown }, client }
}

/** Tries until it has one: a token may be made, and a request approved, at any time. */
async function bootstrapClient(config: ClientConfig, flags: CertificateFlags, around: Surroundings): Promise<KeyPair> {
  const { logger, signal } = around
  const client = createApiClient(config, { userAgent: 'kubelet', connections: 2 })
  try {
    logger.info('asking for a client certificate with the bootstrap kubeconfig')
    const pair = await askUntilGiven(client, clientWish(around), around)
    await writeCurrent(flags['cert-dir'], 'kubelet-client', pair, around.clock.now())
    return pair
  } finally {
    await client.close()
    signal.throwIfAborted()
  }
}

async function writeKubeconfig(bootstrap: ClientConfig, flags: CertificateFlags): Promise<ClientConfig> {
  const certificate = currentFile(path.resolve(flags['cert-dir']), 'kubelet-client')
  const [cluster, user] = ['default-cluster', 'default-auth']
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'default-context',
    clusters: [
      {
        name: cluster,
        cluster: {
          server: bootstrap.server,
          ...(bootstrap.ca && { 'certificate-authority-data': Buffer.from(bootstrap.ca).toString('base64') }),
        },
      },
    ],
    users: [{ name: user, user: { 'client-certificate': certificate, 'client-key': certificate } }],
    contexts: [{ name: 'default-context', context: { cluster, user } }],
  })
  await writeFile(flags.kubeconfig, text, { mode: 0o600 })
  return loadComponentConfig(flags.kubeconfig)
}

async function openServing(flags: CertificateFlags, around: Surroundings): Promise<{ tls: RenewedServing; held?: Held }> {
  const { nodeName, clock } = around
  const given = [flags['tls-cert-file'], flags['tls-private-key-file']] as const
  const tls = await loadServingCertificate(...given, flags['client-ca-file'], nodeName)
  // As upstream: what was given is for others to renew.
  if (given[0] || !flags['rotate-server-certificates']) return { tls }
  const current = pickGood([await readCurrent(flags['cert-dir'], 'kubelet-server')], tls.ca, clock.now())
  let apply: ((renewed: KeyPair) => void) | undefined
  const held: Held = { current, apply: (renewed) => apply?.(renewed) }
  // Until one is signed it serves with its own, which the API server does not trust.
  return { tls: { ...tls, ...current, onRenewed: (listener) => void (apply = listener) }, held }
}

async function keepRenewed(
  held: Held,
  wish: CertificateWish,
  name: CertificateName,
  client: ApiClient,
  flags: CertificateFlags,
  around: Surroundings,
): Promise<void> {
  const { clock, logger, signal } = around
  let current = held.current
  while (!signal.aborted) {
    if (current) await sleepUntil(renewalTime(current, Math.random()), clock, signal)
    if (signal.aborted) return
    current = await askUntilGiven(client, wish, around).catch((error: unknown) => {
      if (!signal.aborted) throw error
      return undefined
    })
    if (!current) return
    await writeCurrent(flags['cert-dir'], name, current, clock.now())
    held.apply(current)
    logger.info('certificate renewed', { certificate: name })
  }
}

async function askUntilGiven(
  client: ApiClient,
  wish: CertificateWish,
  { clock, logger, signal }: Surroundings,
): Promise<KeyPair> {
  for (let failures = 1; ; failures++) {
    try {
      return await requestCertificate(client, wish, signal)
    } catch (error) {
      signal.throwIfAborted()
      logger.warn('cannot get a certificate yet', { signer: wish.signerName, error: String(error) })
      await clock.sleep(computeBackoff(BACKOFF, failures, Math.random()), signal)
    }
  }
}

const HALF_A_DAY = 12 * 3_600_000

/** In steps: no timer is as long as a certificate lives. */
async function sleepUntil(time: Date, clock: Clock, signal: AbortSignal): Promise<void> {
  for (
    let left = time.getTime() - clock.now().getTime();
    left > 0 && !signal.aborted;
    left = time.getTime() - clock.now().getTime()
  )
    await clock.sleep(Math.min(left, HALF_A_DAY), signal)
}
