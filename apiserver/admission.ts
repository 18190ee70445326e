/** Every admission plugin, in the order in which they see a request, and which of them run. A new one is one line here. */
import { mutatingAdmissionPolicy, validatingAdmissionPolicy } from './admission/extensions/admission-policy.ts'
import { alwaysPullImages } from './admission/pods/always-pull-images.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './admission/certificate-signers.ts'
import { defaultIngressClass } from './admission/default-ingress-class.ts'
import { defaultStorageClass } from './admission/storage/default-storage-class.ts'
import { defaultTolerationSeconds } from './admission/pods/default-toleration-seconds.ts'
import { extendedResourceToleration } from './admission/pods/extended-resource-toleration.ts'
import { limitRanger } from './admission/pods/limit-ranger.ts'
import { mutatingWebhook } from './admission/extensions/mutating-webhook.ts'
import { createNamespaceLifecycle } from './admission/namespace-lifecycle.ts'
import { nodeRestriction } from './admission/nodes/node-restriction.ts'
import { persistentVolumeClaimResize } from './admission/storage/persistent-volume-claim-resize.ts'
import type { AdmissionPlugin } from './admission/plugin.ts'
import { podNodeSelector } from './admission/pods/pod-node-selector.ts'
import { podSecurity } from './admission/pod-security/pod-security.ts'
import { podTopologyLabels } from './admission/pods/pod-topology-labels.ts'
import { priority } from './admission/pods/priority.ts'
import { rbacEscalation } from './admission/rbac-escalation.ts'
import { createResourceQuota } from './admission/quota/resource-quota.ts'
import { runtimeClass } from './admission/pods/runtime-class.ts'
import { serviceAccount } from './admission/pods/service-account.ts'
import { storageObjectInUseProtection } from './admission/storage/storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './admission/nodes/taint-nodes-by-condition.ts'
import { validatingWebhook } from './admission/extensions/validating-webhook.ts'

export interface AdmissionEntry {
  name: string
  /** `always` cannot be switched off: what upstream does outside of admission. */
  enabled: 'by default' | 'on request' | 'always'
  /** Called once for each server: some plugins remember. */
  create: () => AdmissionPlugin
}

const entry = (plugin: AdmissionPlugin, enabled: AdmissionEntry['enabled'] = 'by default'): AdmissionEntry => ({
  name: plugin.name,
  enabled,
  create: () => plugin,
})

/** Upstream's order. Webhooks come before ResourceQuota, which charges only what nothing else refuses. */
export const ADMISSION_PLUGINS: readonly AdmissionEntry[] = [
  { name: 'NamespaceLifecycle', enabled: 'by default', create: createNamespaceLifecycle },
  entry(limitRanger),
  entry(serviceAccount),
  entry(nodeRestriction),
  entry(taintNodesByCondition),
  entry(alwaysPullImages, 'on request'),
  entry(podSecurity),
  entry(podNodeSelector, 'on request'),
  entry(priority),
  entry(defaultTolerationSeconds),
  entry(extendedResourceToleration, 'on request'),
  entry(defaultStorageClass),
  entry(storageObjectInUseProtection),
  entry(persistentVolumeClaimResize),
  entry(runtimeClass),
  entry(certificateApproval),
  entry(certificateSigning),
  entry(certificateSubjectRestriction),
  entry(defaultIngressClass),
  entry(podTopologyLabels),
  entry(rbacEscalation, 'always'),
  entry(mutatingAdmissionPolicy),
  entry(mutatingWebhook),
  entry(validatingAdmissionPolicy),
  entry(validatingWebhook),
  { name: 'ResourceQuota', enabled: 'by default', create: createResourceQuota },
]

export interface AdmissionSelection {
  /** `--enable-admission-plugins` and `--disable-admission-plugins`. */
  enable?: readonly string[]
  disable?: readonly string[]
}

/** The plugins to run, in order, made anew. Throws on a name that nobody has. */
export function selectAdmissionPlugins({ enable = [], disable = [] }: AdmissionSelection = {}): AdmissionPlugin[] {
  const known = new Set(ADMISSION_PLUGINS.map(({ name }) => name))
  const unknown = [...enable, ...disable].find((name) => !known.has(name))
  if (unknown !== undefined) throw new Error(`Cannot select admission plugins: ${JSON.stringify(unknown)} is unknown`)
  const both = enable.find((name) => disable.includes(name))
  if (both !== undefined) throw new Error(`Cannot select admission plugins: ${both} in both enable and disable`)
  return ADMISSION_PLUGINS.filter(({ name, enabled }) => {
    if (enabled === 'always') return true
    return enable.includes(name) || (enabled === 'by default' && !disable.includes(name))
  }).map(({ create }) => create())
}
