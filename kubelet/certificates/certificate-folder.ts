/** `--cert-dir`: certificate and key in one file, the newest behind a link, as upstream lays them out. */
import { X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { KeyPair } from './request-certificate.ts'

export type CertificateName = 'kubelet-client' | 'kubelet-server'

export const currentFile = (folder: string, name: CertificateName): string => path.join(folder, `${name}-current.pem`)

/** Undefined when there is none, or it is no certificate with its key. */
export async function readCurrent(folder: string, name: CertificateName): Promise<KeyPair | undefined> {
  let text: string
  try {
    text = await readFile(currentFile(folder, name), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const [cert] = /-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\n?/.exec(text) ?? []
  const [key] = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]+-----END \1-----\n?/.exec(text) ?? []
  return cert && key ? { cert, key } : undefined
}

/** The link moves in one step: readers see the old pair or the new one. Older files go. */
export async function writeCurrent(folder: string, name: CertificateName, { cert, key }: KeyPair, now: Date): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const stamp = now
    .toISOString()
    .replaceAll(':', '-')
    .replace(/\.\d+Z$/, '')
  const file = `${name}-${stamp}.pem`
  await writeFile(path.join(folder, file), `${cert.trim()}\n${key.trim()}\n`, { mode: 0o600 })
  const link = path.join(folder, `${name}.new`)
  await rm(link, { force: true })
  await symlink(file, link)
  await rename(link, currentFile(folder, name))
  const others = (await readdir(folder)).filter((one) => one.startsWith(`${name}-2`) && one !== file)
  await Promise.all(others.map((one) => rm(path.join(folder, one), { force: true })))
}

/** Of those that the authority has signed and that have not ended, the one that lasts longest. */
export function pickGood(candidates: readonly (KeyPair | undefined)[], ca: string | undefined, now: Date): KeyPair | undefined {
  const authority = ca ? new X509Certificate(ca) : undefined
  const good = candidates.flatMap((pair) => {
    const certificate = pair && parse(pair.cert)
    if (!pair || !certificate || certificate.validToDate <= now) return []
    if (authority && !certificate.verify(authority.publicKey)) return []
    return [{ pair, end: certificate.validToDate.getTime() }]
  })
  return good.toSorted((a, b) => b.end - a.end)[0]?.pair
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    // Cut short by a crash: another one is asked for.
    return undefined
  }
}

/** When to ask for the next: somewhere between 70 and 90 percent of its life, so that nodes do not all ask at once. */
export function renewalTime({ cert }: KeyPair, random: number): Date {
  const { validFromDate, validToDate } = new X509Certificate(cert)
  const life = validToDate.getTime() - validFromDate.getTime()
  return new Date(validFromDate.getTime() + life * (0.7 + 0.2 * random))
}
