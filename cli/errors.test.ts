import { expect, test } from 'vitest'
import { invalid as invalidField, required } from '../api/field-error.ts'
import { forbidden, internalError, invalid, notFound, unauthorized } from '../api/status.ts'
import { NoClusterError } from '../client/kubeconfig.ts'
import { UnreachableError } from '../client/rest-client.ts'
import { CliError, describeError, exitCodeOf, hintFor, inContext, SilentExit } from './errors.ts'

const complaints = [invalidField('spec.replicas', -1, 'must be greater than or equal to 0'), required('spec.selector')]

test.each<[unknown, string]>([
  [notFound('', 'pods', 'x'), 'Error from server (NotFound): pods "x" not found'],
  [unauthorized(), 'error: You must be logged in to the server (Unauthorized)'],
  [internalError('boom'), 'Error from server (InternalError): Internal error occurred: boom'],
  [
    inContext('error when creating "a.yaml"', forbidden('', 'pods', 'x', 'no')),
    'Error from server (Forbidden): error when creating "a.yaml": pods "x" is forbidden: no',
  ],
  [
    invalid('apps', 'Deployment', 'web', complaints.slice(0, 1)),
    'The Deployment "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    inContext('error when creating "a.yaml"', invalid('apps', 'Deployment', 'web', complaints)),
    'The Deployment "web" is invalid: \n* spec.replicas: Invalid value: -1: must be greater than or equal to 0\n* spec.selector: Required value',
  ],
  [
    new UnreachableError('Cannot reach https://127.0.0.1:6443: connect ECONNREFUSED', 'ECONNREFUSED', undefined),
    'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?',
  ],
  [
    new UnreachableError('Cannot reach https://172.30.0.2:6443: connect EHOSTUNREACH 172.30.0.2:6443', 'EHOSTUNREACH', undefined),
    'Unable to connect to the server: dial tcp 172.30.0.2:6443: connect: no route to host',
  ],
  [
    new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
    'Unable to connect to the server: context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
  ],
  [new CliError('no objects passed to apply'), 'error: no objects passed to apply'],
  [new SilentExit(''), ''],
])('%s', (error, text) => {
  expect(describeError(error)).toBe(text)
})

test('a command in a container gives its exit code on', () => {
  expect(exitCodeOf(new CliError('command terminated with exit code 3', 3))).toBe(3)
  expect(exitCodeOf(new Error('other'))).toBe(1)
})

test('who asks a lab that is down hears how to bring it up', () => {
  const labServedAt = (url: string) => (url === 'https://172.30.0.2:6443' ? 'mine' : undefined)
  const away = (server: string) => new UnreachableError(`Cannot reach ${server}: no`, 'EHOSTUNREACH', undefined)
  expect(hintFor(away('https://172.30.0.2:6443'), labServedAt)).toContain("'kubelab up --lab mine' brings it up")
  expect(hintFor(away('https://elsewhere:6443'), labServedAt)).toBe('')
  expect(hintFor(new NoClusterError('no kubeconfig'), labServedAt)).toContain("'kubelab up'")
})
