import { describe, expect, test } from 'vitest'
import { invalidPathSegment, parseRequestInfo } from './request-info.ts'

describe('a path is about', () => {
  test.each([
    ['GET', '/api/v1/pods', { verb: 'list', resource: 'pods', group: '', version: 'v1' }],
    ['GET', '/api/v1/pods?watch=true', { verb: 'watch', resource: 'pods' }],
    ['GET', '/api/v1/pods?watch=0', { verb: 'list' }],
    ['GET', '/api/v1/watch/namespaces/a/pods', { verb: 'watch', resource: 'pods', namespace: 'a' }],
    ['GET', '/api/v1/namespaces/a/pods/b', { verb: 'get', resource: 'pods', namespace: 'a', name: 'b' }],
    ['GET', '/api/v1/namespaces/a/pods/b/log', { verb: 'get', resource: 'pods', subresource: 'log', name: 'b' }],
    ['POST', '/apis/apps/v1/namespaces/a/deployments', { verb: 'create', group: 'apps', resource: 'deployments', name: '' }],
    [
      'PUT',
      '/api/v1/namespaces/a/status',
      { verb: 'update', resource: 'namespaces', namespace: 'a', name: 'a', subresource: 'status' },
    ],
    ['PUT', '/api/v1/namespaces/a/finalize', { resource: 'namespaces', name: 'a', subresource: 'finalize' }],
    ['GET', '/api/v1/namespaces/a', { verb: 'get', resource: 'namespaces', namespace: 'a', name: 'a' }],
    ['DELETE', '/api/v1/namespaces/a/pods', { verb: 'deletecollection', resource: 'pods' }],
    ['DELETE', '/api/v1/nodes/n', { verb: 'delete', resource: 'nodes', name: 'n', namespace: '' }],
    ['PATCH', '/api/v1/nodes/n', { verb: 'patch' }],
    ['HEAD', '/api/v1/nodes/n', { verb: 'get' }],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dx', { verb: 'list', name: 'x', pathName: '' }],
    ['GET', '/api/v1/namespaces/a/pods/b:80/proxy/x/y%20z', { subresource: 'proxy', name: 'b:80', rest: 'x/y%20z' }],
    ['GET', '/api/v1/namespaces/a/pods/b%2Fc', { name: 'b/c' }],
  ])('%s %s', (method, url, expected) => {
    expect(parseRequestInfo(method, url)).toMatchObject({ isResource: true, ...expected })
  })

  test.each(['/', '/api', '/api/v1', '/apis', '/apis/apps', '/apis/apps/v1', '/healthz', '/openapi/v2', '//'])(
    '%s is no resource',
    (url) => {
      expect(parseRequestInfo('GET', url)).toMatchObject({ isResource: false, verb: 'get', path: url })
    },
  )

  test('a broken escape is a bad request', () => {
    expect(() => parseRequestInfo('GET', '/api/v1/pods/%zz')).toThrow('invalid URL escape')
  })
})

test.each([
  ['a', null],
  ['..', "may not be '..'"],
  ['a/b%', "may not contain '/';may not contain '%'"],
])('a name %s that could leave its place is told apart', (name, complaint) => {
  expect(invalidPathSegment(name)).toBe(complaint)
})
