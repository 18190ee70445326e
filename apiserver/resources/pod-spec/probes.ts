/** The rules of probes, lifecycle hooks and what they call. */
import { forbidden, invalid, required } from '../../../api/field-error.ts'
import type { HTTPGetAction, Lifecycle, LifecycleHandler, PodSpec, Probe } from '../../../api/generated/types.ts'
import { isHTTPHeaderName, isValidPortName, isValidPortNumber } from '../../../api/names.ts'
import { check, checkNotNegative, checkOneOf, type Errors } from '../rules/field-rules.ts'

const SIGNALS_WITH_OS = 'may not be set for containers with empty `spec.os.name`'

export function validateLifecycle(
  errors: Errors,
  path: string,
  { postStart, preStop, stopSignal }: Lifecycle,
  spec: PodSpec,
): void {
  const grace = spec.terminationGracePeriodSeconds ?? 30
  if (postStart) validateHandler(errors, `${path}.postStart`, postStart, grace)
  if (preStop) validateHandler(errors, `${path}.preStop`, preStop, grace)
  if (stopSignal && !spec.os?.name) errors.push(forbidden(`${path}.stopSignal`, SIGNALS_WITH_OS))
}

export function validateProbe(errors: Errors, path: string, probe: Probe, spec: PodSpec): void {
  validateHandler(errors, path, probe, spec.terminationGracePeriodSeconds ?? 30)
  checkNotNegative(errors, `${path}.initialDelaySeconds`, probe.initialDelaySeconds)
  checkNotNegative(errors, `${path}.timeoutSeconds`, probe.timeoutSeconds)
  checkNotNegative(errors, `${path}.periodSeconds`, probe.periodSeconds)
  checkNotNegative(errors, `${path}.successThreshold`, probe.successThreshold)
  checkNotNegative(errors, `${path}.failureThreshold`, probe.failureThreshold)
  const { terminationGracePeriodSeconds: grace } = probe
  if (grace !== undefined && grace <= 0) {
    errors.push(invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  }
}

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>

/** Exactly one of exec, httpGet, tcpSocket, grpc and sleep. */
function validateHandler(errors: Errors, path: string, { exec, httpGet, tcpSocket, grpc, sleep }: Handler, grace: number): void {
  let handlers = 0
  const only = (member: string): boolean => {
    handlers++
    if (handlers > 1) errors.push(forbidden(`${path}.${member}`, 'may not specify more than 1 handler type'))
    return handlers === 1
  }
  if (exec && only('exec') && !exec.command?.length) errors.push(required(`${path}.exec.command`))
  if (httpGet && only('httpGet')) validateHttpGet(errors, `${path}.httpGet`, httpGet)
  if (tcpSocket && only('tcpSocket')) validatePortNumberOrName(errors, `${path}.tcpSocket.port`, tcpSocket.port)
  if (grpc && only('grpc')) validatePortNumberOrName(errors, `${path}.grpc.port`, grpc.port)
  if (sleep && only('sleep') && (sleep.seconds < 0 || sleep.seconds > grace)) {
    const why = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`
    errors.push(invalid(`${path}.sleep.seconds`, sleep.seconds, why))
  }
  if (handlers === 0) errors.push(required(path, 'must specify a handler type'))
}

function validateHttpGet(errors: Errors, path: string, { path: url, port, scheme, httpHeaders }: HTTPGetAction): void {
  if (!url) errors.push(required(`${path}.path`))
  validatePortNumberOrName(errors, `${path}.port`, port)
  checkOneOf(errors, `${path}.scheme`, scheme, ['HTTP', 'HTTPS'])
  httpHeaders?.forEach(({ name }) => check(errors, `${path}.httpHeaders`, name, isHTTPHeaderName(name)))
}

export function validatePortNumberOrName(errors: Errors, path: string, port: number | string): void {
  check(errors, path, port, typeof port === 'string' ? isValidPortName(port) : isValidPortNumber(port))
}
