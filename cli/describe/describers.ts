/** Which kinds have a description of their own; everything else gets the generic one. A new one is a file and a line here. */
import type { CoreEvent } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Session } from '../session.ts'
import { configMapDescriber } from './config-map.ts'
import { daemonSetDescriber } from './daemon-set.ts'
import { deploymentDescriber } from './deployment.ts'
import { endpointsDescriber, endpointSliceDescriber } from './endpoints.ts'
import { horizontalPodAutoscalerDescriber } from './horizontal-pod-autoscaler.ts'
import { ingressClassDescriber, ingressDescriber } from './ingress.ts'
import { cronJobDescriber, jobDescriber } from './job.ts'
import { limitRangeDescriber } from './limit-range.ts'
import { namespaceDescriber } from './namespace.ts'
import { networkPolicyDescriber } from './network-policy.ts'
import { nodeDescriber } from './node.ts'
import { persistentVolumeClaimDescriber } from './persistent-volume-claim.ts'
import { persistentVolumeDescriber } from './persistent-volume.ts'
import { podDisruptionBudgetDescriber } from './pod-disruption-budget.ts'
import { podDescriber } from './pod.ts'
import { priorityClassDescriber } from './priority-class.ts'
import { replicaSetDescriber } from './replica-set.ts'
import { replicationControllerDescriber } from './replication-controller.ts'
import { resourceQuotaDescriber } from './resource-quota.ts'
import { clusterRoleBindingDescriber, clusterRoleDescriber, roleBindingDescriber, roleDescriber } from './role.ts'
import { secretDescriber } from './secret.ts'
import { serviceAccountDescriber } from './service-account.ts'
import { serviceDescriber } from './service.ts'
import { statefulSetDescriber } from './stateful-set.ts'
import { storageClassDescriber } from './storage-class.ts'

export interface Describer<T extends KubeObject = KubeObject, Related = unknown> {
  kind: string
  group: string
  /** What must be read beside the object and its events. */
  read?: (session: Session, object: T) => Promise<Related>
  /** Pure. */
  describe(object: T, related: Related, events: readonly CoreEvent[], now: Date): string
}

/** Lets the list hold describers of different types: each is only ever given objects of its own kind. */
const listed = <T extends KubeObject, Related>(describer: Describer<T, Related>): Describer => describer as unknown as Describer

const DESCRIBERS: readonly Describer[] = [
  listed(podDescriber),
  listed(nodeDescriber),
  listed(deploymentDescriber),
  listed(replicaSetDescriber),
  listed(replicationControllerDescriber),
  listed(statefulSetDescriber),
  listed(daemonSetDescriber),
  listed(jobDescriber),
  listed(cronJobDescriber),
  listed(horizontalPodAutoscalerDescriber),
  listed(podDisruptionBudgetDescriber),
  listed(serviceDescriber),
  listed(endpointsDescriber),
  listed(endpointSliceDescriber),
  listed(ingressDescriber),
  listed(ingressClassDescriber),
  listed(networkPolicyDescriber),
  listed(namespaceDescriber),
  listed(resourceQuotaDescriber),
  listed(limitRangeDescriber),
  listed(configMapDescriber),
  listed(secretDescriber),
  listed(serviceAccountDescriber),
  listed(roleDescriber),
  listed(clusterRoleDescriber),
  listed(roleBindingDescriber),
  listed(clusterRoleBindingDescriber),
  listed(persistentVolumeClaimDescriber),
  listed(persistentVolumeDescriber),
  listed(storageClassDescriber),
  listed(priorityClassDescriber),
]

export function findDescriber({ kind, apiVersion }: KubeObject): Describer | undefined {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : ''
  return DESCRIBERS.find((candidate) => candidate.kind === kind && candidate.group === group)
}
