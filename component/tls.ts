/** PEM files as TLS options, with the file's name in the error when one cannot be read. */
import { readFileSync } from 'node:fs'

export function readPem(path: string, what: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`Cannot read ${what} ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (!text.includes('-----BEGIN ')) throw new Error(`Cannot use ${what} ${path}: it holds no PEM block`)
  return text
}

export interface ServerTlsFiles {
  certFile: string
  keyFile: string
  /** Authorities whose client certificates are taken. */
  clientCaFile?: string | undefined
}

/** Options for `https.createServer`: TLS 1.2 or newer; client certificates are asked for, and judged by the authenticator. */
export function loadServerTls({ certFile, keyFile, clientCaFile }: ServerTlsFiles) {
  return {
    cert: readPem(certFile, 'certificate'),
    key: readPem(keyFile, 'private key'),
    minVersion: 'TLSv1.2' as const,
    ...(clientCaFile ? { ca: readPem(clientCaFile, 'client CA'), requestCert: true, rejectUnauthorized: false } : {}),
  }
}

/** The certificates of a bundle, one PEM block each. */
export const splitPem = (bundle: string): string[] =>
  bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
