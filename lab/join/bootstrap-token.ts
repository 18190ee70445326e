/** Bootstrap tokens: `abcdef.0123456789abcdef`, by which a node that nobody knows yet may ask for its first certificate. */
import { randomInt } from 'node:crypto'
import type { KubeObject } from '../../api/object.ts'

export interface BootstrapToken {
  id: string
  secret: string
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const random = (length: number) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

export const createBootstrapToken = (): BootstrapToken => ({ id: random(6), secret: random(16) })

export const toText = ({ id, secret }: BootstrapToken): string => `${id}.${secret}`

/** As kubeadm writes it; the token cleaner deletes it when its time is over. */
export const tokenSecret = ({ id, secret }: BootstrapToken, expiration: Date, description: string): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      description,
      'token-id': id,
      'token-secret': secret,
      expiration: expiration.toISOString().replace(/\.\d+Z$/, 'Z'),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
    },
  }) as unknown as KubeObject
