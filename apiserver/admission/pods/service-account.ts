/** ServiceAccount: every pod runs as an account that exists, and finds that account's token where clients look for it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, Pod, ServiceAccount, Volume } from '../../../api/generated/types.ts'
import { referencesOf } from '../../auth/authorization/node-graph.ts'
import { INJECTED_TOKEN_SECONDS } from '../../auth/authentication/token-request.ts'
import { generateName } from '../../writes/generate-name.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../plugin.ts'
import { isWriteOf, refuse } from '../refuse.ts'

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
const VOLUME_PREFIX = 'kube-api-access-'
const MIRROR = 'kubernetes.io/config.mirror'
const ENFORCE_MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets'
/** A new namespace gets its account `default` from a controller: a pod that comes right after it waits, as long as upstream lets it. */
const DEFAULT_ACCOUNT_WAIT_MS = 1500
const LOOK_AGAIN_MS = 20

export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  handles: (attributes) => isWriteOf(attributes, 'pods', 'CREATE'),
  admit(attributes, context) {
    const pod = attributes.object as Pod
    const { spec } = pod
    // The kubelet compares a mirror pod with its file: what it made must stay as it is.
    if (!spec || pod.metadata.annotations?.[MIRROR] !== undefined) return undefined
    spec.serviceAccountName ||= 'default'
    spec.serviceAccount = spec.serviceAccountName
    const account = context.reader.get('ServiceAccount', { namespace: attributes.namespace, name: spec.serviceAccountName })
    if (account) return complete(pod, account)
    return lookAgain(attributes, spec.serviceAccountName, context).then((found) => complete(pod, found))
  },
  validate(attributes, { reader }) {
    const pod = attributes.object as Pod
    if (pod.metadata.annotations?.[MIRROR] !== undefined) return checkMirrorPod(attributes, pod)
    const name = pod.spec?.serviceAccountName ?? ''
    const account = reader.get('ServiceAccount', { namespace: attributes.namespace, name })
    // Gone since admit: it was there a moment ago, which is what counts.
    if (account?.metadata.annotations?.[ENFORCE_MOUNTABLE]?.toLowerCase() !== 'true') return undefined
    const why = forbiddenSecret(pod, account)
    if (why !== undefined) throw refuse(attributes, why)
    return undefined
  },
}

async function lookAgain(attributes: AdmissionAttributes, name: string, context: AdmissionContext): Promise<ServiceAccount> {
  const key = { namespace: attributes.namespace, name }
  let found = (await context.consistent()).get('ServiceAccount', key)
  const deadline = performance.now() + (name === 'default' ? DEFAULT_ACCOUNT_WAIT_MS : 0)
  // In memory: the watch that fills the cache brings the account, nobody is asked for it.
  while (!found && performance.now() < deadline) {
    await sleep(LOOK_AGAIN_MS)
    found = context.reader.get('ServiceAccount', key)
  }
  if (found) return found
  const why = `serviceaccount ${JSON.stringify(name)} not found`
  throw refuse(attributes, `error looking up service account ${attributes.namespace}/${name}: ${why}`)
}

function complete(pod: Pod, account: ServiceAccount): void {
  const spec = pod.spec
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod)
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ name }))
  }
}

function mountToken({ spec }: Pod): void {
  if (!spec) return
  const present = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX))
  const name = present?.name ?? generateName(VOLUME_PREFIX)
  let used = false
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    // A mount of its own at that path is how a container opts out.
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === MOUNT_PATH)) continue
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, mountPath: MOUNT_PATH, readOnly: true }]
    used = true
  }
  if (used && !present) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

const tokenVolume = (name: string): Volume => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: INJECTED_TOKEN_SECONDS, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  },
})

function checkMirrorPod(attributes: AdmissionAttributes, pod: Pod): void {
  if (pod.spec?.serviceAccountName) throw refuse(attributes, 'a mirror pod may not reference service accounts')
  const unmarked = { ...pod, metadata: { ...pod.metadata, annotations: {} } }
  if ([...referencesOf(unmarked)].some((reference) => reference.startsWith('secrets/'))) {
    throw refuse(attributes, 'a mirror pod may not reference secrets')
  }
  if (pod.spec?.volumes?.some((volume) => volume.projected?.sources?.some((source) => source.serviceAccountToken))) {
    throw refuse(attributes, 'a mirror pod may not use ServiceAccountToken volume projections')
  }
}

/** Why this pod may not have one of its secrets, or undefined: accounts can limit their pods to the secrets they list. */
function forbiddenSecret({ spec }: Pod, account: ServiceAccount): string | undefined {
  const { name } = account.metadata
  const secrets = new Set(account.secrets?.map((secret) => secret.name))
  const because = `is not allowed because service account ${name} does not reference that`
  for (const { secret } of spec?.volumes ?? []) {
    if (secret && !secrets.has(secret.secretName)) return `volume with secret.secretName="${secret.secretName}" ${because} secret`
  }
  const fromEnv = (kind: string, { name: container, env }: Container): string[] =>
    (env ?? []).flatMap(({ name: variable, valueFrom }) => {
      const secret = valueFrom?.secretKeyRef
      if (!secret || secrets.has(secret.name)) return []
      return [`${kind} ${container} with envVar ${variable} referencing secret.secretName="${secret.name}" ${because} secret`]
    })
  const [first] = [
    ...(spec?.initContainers ?? []).flatMap((container) => fromEnv('init container', container)),
    ...(spec?.containers ?? []).flatMap((container) => fromEnv('container', container)),
  ]
  if (first) return first
  const pull = new Set(account.imagePullSecrets?.map((secret) => secret.name))
  const index = spec?.imagePullSecrets?.findIndex((secret) => !pull.has(secret.name)) ?? -1
  if (index < 0) return undefined
  return `imagePullSecrets[${index}].name="${spec?.imagePullSecrets?.[index]?.name}" ${because} imagePullSecret`
}
