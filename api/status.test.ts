import { describe, expect, test } from 'vitest'
import { invalid, required } from './field-error.ts'
import * as status from './status.ts'

test('an object that is wrong in very many places is told of the first ones, and how many more there are', () => {
  const errors = Array.from({ length: 100_000 }, (_, index) => required(`spec.list[${index}].name`))
  const { message, status: body } = status.invalid('', 'Pod', 'x', errors)
  expect(message).toMatch(/^Pod "x" is invalid: \[spec.list\[0\].name: Required value, .*, and 99000 more errors\]$/)
  expect(body.details!.causes).toHaveLength(1000)
  const long = Array.from({ length: 100 }, (_, index) => invalid(`spec.${index}`, 'x'.repeat(300_000), 'no'))
  expect(status.invalid('', 'Pod', 'x', long).status.details!.causes).toHaveLength(1)
})

describe('an API error reads as upstream words it', () => {
  const cases: [status.ApiError, number, string, string][] = [
    [status.notFound('', 'pods', 'x'), 404, 'NotFound', 'pods "x" not found'],
    [status.notFound('apps', 'deployments', 'x'), 404, 'NotFound', 'deployments.apps "x" not found'],
    [status.alreadyExists('', 'pods', 'x'), 409, 'AlreadyExists', 'pods "x" already exists'],
    [
      status.conflict('', 'pods', 'x'),
      409,
      'Conflict',
      'Operation cannot be fulfilled on pods "x": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [status.forbidden('', 'pods', '', 'no'), 403, 'Forbidden', 'pods is forbidden: no'],
    [status.forbidden('', '', '', 'no'), 403, 'Forbidden', 'forbidden: no'],
    [status.invalid('', 'Pod', 'x', [required('spec.a')]), 422, 'Invalid', 'Pod "x" is invalid: spec.a: Required value'],
    [
      status.invalid('apps', 'Deployment', 'x', [required('a'), required('a'), required('b')]),
      422,
      'Invalid',
      'Deployment.apps "x" is invalid: [a: Required value, b: Required value]',
    ],
    [status.internalError(new Error('boom')), 500, 'InternalError', 'Internal error occurred: boom'],
    [status.methodNotAllowed('', 'pods', 'patch'), 405, 'MethodNotAllowed', 'patch is not supported on resources of kind "pods"'],
  ]
  test.each(cases)('%s', (error, code, reason, message) => {
    expect(error).toMatchObject({ code, reason, message })
    expect(error.status).toMatchObject({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code })
  })
})

test('an error survives the wire', () => {
  const sent = status.notFound('apps', 'deployments', 'web')
  const received = status.fromStatus(JSON.parse(JSON.stringify(sent.status)), 404)
  expect(received.status).toEqual(sent.status)
  expect(status.isNotFound(received)).toBe(true)
  expect(status.isConflict(received)).toBe(false)
})

test('an answer without a Status gets the words of upstream’s client', () => {
  expect(status.fromStatus('nope', 503).message).toBe('the server is currently unable to handle the request')
  expect(status.fromStatus('bad gateway', 502).message).toBe(
    'an error on the server ("bad gateway") has prevented the request from succeeding',
  )
})
