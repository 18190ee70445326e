/** Small questions about a pod's spec that several parts of the kubelet ask. */
import type { Container, Pod } from '../../api/generated/types.ts'

/** An init container that keeps running beside the main ones. */
export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export const containersOf = ({ spec }: Pod): Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
  ...((spec.ephemeralContainers ?? []) as Container[]),
]

export const isTerminal = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

export const isHostNetwork = ({ spec }: Pod): boolean => spec.hostNetwork === true

export const podText = ({ metadata }: Pod): string => `${metadata.name}_${metadata.namespace ?? ''}(${metadata.uid})`

/** Whether a container that left with this code is to be started again. */
export function shouldRestart(pod: Pod, container: Container, exitCode: number): boolean {
  const isInit = pod.spec.initContainers?.some(({ name }) => name === container.name) ?? false
  const rule = container.restartPolicyRules?.find(
    ({ exitCodes }) => exitCodes && (exitCodes.operator === 'In') === (exitCodes.values ?? []).includes(exitCode),
  )
  if (rule) return rule.action === 'Restart'
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always'
  if (policy === 'Never') return false
  // For an init container Always means until it succeeds, unless it is a sidecar.
  if (policy === 'OnFailure' || (isInit && !isSidecar(container))) return exitCode !== 0
  return true
}
