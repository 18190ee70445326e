/**
 * The lab's public key infrastructure: three authorities, a certificate for every party, and the key that signs service-account tokens.
 *
 * What is wanted is data (`planCertificates`); what is on disk is kept when it still fulfils the plan. The layout under the
 * folder is kubeadm's. A start that finds everything in order loads no certificate library at all.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import type * as x509Library from '@peculiar/x509'
import { distinct, planCertificates, type PkiOptions, type WantedCertificate } from './certificate-plan.ts'

/** Paths of one certificate and its key, both PEM. */
export interface CertificateFiles {
  certificate: string
  key: string
}

/** Where everything is. Paths only: components read the files themselves. */
export interface Pki {
  /** Signs all client and serving certificates of the cluster, and CertificateSigningRequests. */
  ca: CertificateFiles
  /** Signs who may say on whose behalf a request comes (`--requestheader-client-ca-file`). */
  frontProxyCa: CertificateFiles
  etcdCa: CertificateFiles
  etcdServer: CertificateFiles
  etcdPeer: CertificateFiles
  apiServer: CertificateFiles
  apiServerEtcdClient: CertificateFiles
  apiServerKubeletClient: CertificateFiles
  frontProxyClient: CertificateFiles
  scheduler: CertificateFiles
  controllerManager: CertificateFiles
  kubeProxy: CertificateFiles
  admin: CertificateFiles
  /** By node name. */
  kubelets: Record<string, { client: CertificateFiles; serving: CertificateFiles }>
  /** PEM, RSA: tokens are signed RS256. */
  serviceAccountKey: string
  serviceAccountPublicKey: string
  /** An EncryptionConfiguration for `--encryption-provider-config`: secrets are encrypted at rest with a key of this lab. */
  encryptionConfig: string
  /** Which files were written by this call, relative to the folder: whoever uses them must be restarted. */
  renewed: readonly string[]
}

export interface EnsureOptions extends PkiOptions {
  /** Certificates to make anew though they are good. Authorities are never: what they signed would end with them. */
  renew?: ((file: string) => boolean) | undefined
}

const DAY = 24 * 3600_000
const AUTHORITY_LIFETIME = 3650 * DAY
const LIFETIME = 365 * DAY
/** Renewed when less than this is left. */
const RENEW_BEFORE = 60 * DAY
/** Certificates begin a little in the past: clocks of a moved or resumed machine differ. */
const BACKDATE = 5 * 60_000

/**
 * Makes what is missing under `dir`, renews what ends soon, was signed by an authority that is gone, or has other names than
 * wanted, and keeps the rest. Keys are readable by their owner only. Calls on one folder must not overlap.
 */
export async function ensurePki(dir: string, options: EnsureOptions): Promise<Pki> {
  const plan = planCertificates(options)
  await makeFolders(dir, plan)
  const [renewed, madeAccountKey, madeEncryption] = await Promise.all([
    ensureCertificates(dir, plan, options),
    ensureServiceAccountKey(dir),
    ensureEncryptionConfig(dir),
  ])
  if (madeAccountKey) renewed.push('sa')
  if (madeEncryption) renewed.push('encryption')
  return { ...pathsOf(dir, options), renewed: renewed.sort() }
}

/** Answers those that were made or made anew. */
async function ensureCertificates(
  dir: string,
  plan: readonly WantedCertificate[],
  { now = new Date(), renew = () => false }: EnsureOptions,
): Promise<string[]> {
  const issued = new Map<string, Issued>()
  const renewed: string[] = []
  const authorities = plan.filter((wanted) => !wanted.authority)
  const others = plan.filter((wanted) => wanted.authority)
  // A new authority makes everything below it invalid, so authorities are settled first.
  for (const layer of [authorities, others]) {
    await Promise.all(
      layer.map(async (wanted) => {
        const signer = wanted.authority === undefined ? undefined : issued.get(wanted.authority)
        const kept = signer && renew(wanted.file) ? undefined : await loadIfGood(dir, wanted, signer?.certificate, now)
        if (kept) return void issued.set(wanted.file, kept)
        issued.set(wanted.file, await issue(dir, wanted, signer, now))
        renewed.push(wanted.file)
      }),
    )
  }
  return renewed
}

interface Issued {
  certificate: X509Certificate
  privateKey: string
}

export const certificateFiles = (dir: string, file: string): CertificateFiles => ({
  certificate: path.join(dir, `${file}.crt`),
  key: path.join(dir, `${file}.key`),
})

function pathsOf(dir: string, { nodes }: PkiOptions): Omit<Pki, 'renewed'> {
  return {
    ca: certificateFiles(dir, 'ca'),
    frontProxyCa: certificateFiles(dir, 'front-proxy-ca'),
    etcdCa: certificateFiles(dir, 'etcd/ca'),
    etcdServer: certificateFiles(dir, 'etcd/server'),
    etcdPeer: certificateFiles(dir, 'etcd/peer'),
    apiServer: certificateFiles(dir, 'apiserver'),
    apiServerEtcdClient: certificateFiles(dir, 'apiserver-etcd-client'),
    apiServerKubeletClient: certificateFiles(dir, 'apiserver-kubelet-client'),
    frontProxyClient: certificateFiles(dir, 'front-proxy-client'),
    scheduler: certificateFiles(dir, 'scheduler'),
    controllerManager: certificateFiles(dir, 'controller-manager'),
    kubeProxy: certificateFiles(dir, 'kube-proxy'),
    admin: certificateFiles(dir, 'admin'),
    kubelets: Object.fromEntries(
      nodes.map(({ name }) => [
        name,
        {
          client: certificateFiles(dir, `nodes/${name}/kubelet-client`),
          serving: certificateFiles(dir, `nodes/${name}/kubelet-serving`),
        },
      ]),
    ),
    serviceAccountKey: path.join(dir, 'sa.key'),
    serviceAccountPublicKey: path.join(dir, 'sa.pub'),
    encryptionConfig: path.join(dir, ENCRYPTION_FILE),
  }
}

async function makeFolders(dir: string, plan: readonly WantedCertificate[]): Promise<void> {
  const folders = distinct([dir, ...plan.map(({ file }) => path.dirname(path.join(dir, file)))])
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(dir, 0o700)
}

async function loadIfGood(
  dir: string,
  wanted: WantedCertificate,
  signer: X509Certificate | undefined,
  now: Date,
): Promise<Issued | undefined> {
  const paths = certificateFiles(dir, wanted.file)
  const [pem, privateKey] = await Promise.all([readIfThere(paths.certificate), readIfThere(paths.key)])
  if (pem === undefined || privateKey === undefined) return undefined
  const certificate = parseCertificate(pem)
  return certificate && isGood(certificate, privateKey, wanted, signer, now) ? { certificate, privateKey } : undefined
}

function isGood(
  certificate: X509Certificate,
  privateKey: string,
  wanted: WantedCertificate,
  signer: X509Certificate | undefined,
  now: Date,
): boolean {
  if (certificate.validToDate.getTime() - now.getTime() < RENEW_BEFORE) return false
  if (certificate.validFromDate.getTime() > now.getTime()) return false
  if (signer && !(certificate.checkIssued(signer) && certificate.verify(signer.publicKey))) return false
  const subject = [...(wanted.organization ? [`O=${wanted.organization}`] : []), `CN=${wanted.commonName}`]
  if (certificate.subject !== subject.join('\n')) return false
  if (!sameNames(certificate.subjectAltName ?? '', wanted.names)) return false
  // A crash between the two files leaves a key that belongs to another certificate.
  return isKeyOf(certificate, privateKey)
}

function isKeyOf(certificate: X509Certificate, privateKey: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(privateKey))
  } catch {
    // Not a key at all (a file cut short): the certificate is made anew.
    return false
  }
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    // Not a certificate (a file cut short): it is made anew.
    return undefined
  }
}

function sameNames(subjectAltName: string, wanted: readonly string[]): boolean {
  const found = subjectAltName === '' ? [] : subjectAltName.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''))
  const canonical = (names: readonly string[]) => names.map(canonicalAddress).sort().join()
  return canonical(found) === canonical(wanted)
}

/** OpenSSL prints `0:0:0:0:0:0:0:1` for `::1`. */
const canonicalAddress = (name: string): string => (isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name)

type X509 = typeof x509Library

let library: Promise<X509> | undefined
/** Loaded at the first certificate that has to be made: it costs more than everything else here. */
function loadX509(): Promise<X509> {
  // Its dependency injection wants the reflection polyfill loaded before it.
  library ??= import('reflect-metadata').then(() => import('@peculiar/x509'))
  return library
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

async function issue(dir: string, wanted: WantedCertificate, signer: Issued | undefined, now: Date): Promise<Issued> {
  const x509 = await loadX509()
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const subject = [...(wanted.organization ? [{ O: [wanted.organization] }] : []), { CN: [wanted.commonName] }]
  const isAuthority = signer === undefined
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: positiveSerial(),
    subject,
    issuer: signer ? [{ CN: [commonNameOf(signer.certificate)] }] : subject,
    notBefore: new Date(now.getTime() - BACKDATE),
    notAfter: new Date(now.getTime() + (isAuthority ? AUTHORITY_LIFETIME : LIFETIME)),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: signer ? await importPrivateKey(signer.privateKey) : keys.privateKey,
    extensions: await extensionsOf(x509, wanted, keys.publicKey, signer, isAuthority),
  })
  const paths = certificateFiles(dir, wanted.file)
  const pem = `${certificate.toString('pem')}\n`
  const privateKey = await exportPrivateKey(keys.privateKey)
  await writeWhole(paths.key, privateKey, 0o600)
  await writeWhole(paths.certificate, pem, 0o644)
  return { certificate: new X509Certificate(pem), privateKey }
}

async function extensionsOf(
  x509: X509,
  wanted: WantedCertificate,
  publicKey: webcrypto.CryptoKey,
  signer: Issued | undefined,
  isAuthority: boolean,
) {
  const { KeyUsageFlags: flags, ExtendedKeyUsage: extended } = x509
  const usages = wanted.usages.map((usage) => (usage === 'server' ? extended.serverAuth : extended.clientAuth))
  const names = wanted.names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value }))
  return [
    new x509.BasicConstraintsExtension(isAuthority, undefined, true),
    new x509.KeyUsagesExtension(
      isAuthority ? flags.digitalSignature | flags.keyCertSign | flags.cRLSign : flags.digitalSignature,
      true,
    ),
    ...(usages.length > 0 ? [new x509.ExtendedKeyUsageExtension(usages)] : []),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ...(signer
      ? [await x509.AuthorityKeyIdentifierExtension.create(new x509.X509Certificate(signer.certificate.raw).publicKey)]
      : []),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ]
}

const generateRsaKeys = promisify(generateKeyPair)

/** Sixteen random bytes whose first keeps the number positive and its encoding at full length. */
function positiveSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f)
  return bytes.toString('hex')
}

const commonNameOf = (certificate: X509Certificate): string => /CN=(.*)/.exec(certificate.subject)?.[1] ?? ''

function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
}

async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/**
 * True when the key had to be made. A lost public half is derived again: a new key would end every token there is.
 * RSA, as other distributions have it: who accepts the cluster's tokens elsewhere, as clouds do, often knows RS256 only.
 */
async function ensureServiceAccountKey(dir: string): Promise<boolean> {
  const keyFile = path.join(dir, 'sa.key')
  const publicFile = path.join(dir, 'sa.pub')
  let privateKey = await readIfThere(keyFile)
  const made = privateKey === undefined
  if (privateKey === undefined) {
    const pair = await generateRsaKeys('rsa', { modulusLength: 2048 })
    privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await writeWhole(keyFile, privateKey, 0o600)
  }
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
  if ((await readIfThere(publicFile)) !== publicKey) await writeWhole(publicFile, publicKey, 0o644)
  return made
}

const ENCRYPTION_FILE = 'encryption.yaml'

/** True when it had to be made. Never made anew: without its key the secrets of the cluster cannot be read. */
async function ensureEncryptionConfig(dir: string): Promise<boolean> {
  const file = path.join(dir, ENCRYPTION_FILE)
  if ((await readIfThere(file)) !== undefined) return false
  const lines = [
    'apiVersion: apiserver.config.k8s.io/v1',
    'kind: EncryptionConfiguration',
    'resources:',
    '- resources: [secrets]',
    '  providers:',
    `  - aesgcm: {keys: [{name: key1, secret: ${randomBytes(32).toString('base64')}}]}`,
    '  - identity: {}',
  ]
  await writeWhole(file, `${lines.join('\n')}\n`, 0o600)
  return true
}

export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Readers see the old file or the new one, never half of it. */
export async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.new`
  await writeFile(temporary, text, { mode })
  await chmod(temporary, mode)
  await rename(temporary, file)
}
