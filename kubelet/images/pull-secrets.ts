/** Pure: the credentials for an image's registry out of a pod's pull secrets. */
import type { Secret } from '../../api/generated/types.ts'
import type { AuthConfig } from '../runtime/cri-types.ts'
import { qualify } from './image-name.ts'

interface DockerAuth {
  username?: string
  password?: string
  auth?: string
  identitytoken?: string
}

/** All that match, the most specific path first. */
export function findCredentials(image: string, secrets: readonly Secret[]): AuthConfig[] {
  const wanted = qualify(image)
  return secrets
    .flatMap(readAuths)
    .filter(([registry]) => matches(normalize(registry), wanted))
    .sort(([a], [b]) => normalize(b).length - normalize(a).length)
    .map(([, auth]) => toAuthConfig(auth))
}

function readAuths({ type, data = {} }: Secret): [string, DockerAuth][] {
  const text = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
  try {
    if (type === 'kubernetes.io/dockerconfigjson' && data['.dockerconfigjson'])
      return Object.entries((JSON.parse(text('.dockerconfigjson')) as { auths?: Record<string, DockerAuth> }).auths ?? {})
    if (type === 'kubernetes.io/dockercfg' && data['.dockercfg'])
      return Object.entries(JSON.parse(text('.dockercfg')) as Record<string, DockerAuth>)
  } catch {
    // A secret that cannot be read gives no credentials, as upstream; the pull then fails by itself.
  }
  return []
}

const normalize = (registry: string): string =>
  registry
    .replace(/^https?:\/\//, '')
    .replace(/\/(v1|v2)?\/?$/, '')
    .replace(/^index\.docker\.io/, 'docker.io')

/** Hosts may have `*` for one label; a path is a prefix. */
function matches(registry: string, image: string): boolean {
  const [host = '', ...pathParts] = registry.split('/')
  const [imageHost = '', ...imageParts] = image.split('/')
  const labels = host.split('.')
  const imageLabels = imageHost.split('.')
  const sameHost =
    labels.length === imageLabels.length &&
    labels.every((label, index) => label === imageLabels[index] || (label.includes('*') && glob(label, imageLabels[index]!)))
  return sameHost && pathParts.every((part, index) => imageParts[index] === part)
}

const glob = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(text)

function toAuthConfig({ username, password, auth, identitytoken }: DockerAuth): AuthConfig {
  const [user = '', ...rest] = auth ? Buffer.from(auth, 'base64').toString().split(':') : []
  return {
    username: username ?? user,
    password: password ?? rest.join(':'),
    ...(identitytoken ? { identityToken: identitytoken } : {}),
  }
}
