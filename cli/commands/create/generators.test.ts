import { describe, expect, test } from 'vitest'
import { toSelectorObject } from '../../arguments/selectors.ts'
import { roleBindingOf } from './access.ts'
import { tokenRequestOf } from './accounts.ts'
import { registryData } from './configuration.ts'
import { budgetOf, quotaOf } from './policies.ts'
import { ingressOf, parseRule, serviceOf } from './services.ts'
import { cronJobOf, jobFromCronJob, jobOf } from './workloads.ts'

test('a job of a cron job says whose it is, and that it was started by hand', () => {
  const cronJob = {
    apiVersion: 'batch/v1',
    metadata: { name: 'backup', uid: 'u' },
    spec: { jobTemplate: { metadata: { labels: { a: 'b' } }, spec: { parallelism: 2 } } },
  }
  expect(jobFromCronJob('now', cronJob)).toMatchObject({
    metadata: {
      name: 'now',
      labels: { a: 'b' },
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [{ kind: 'CronJob', name: 'backup', uid: 'u', controller: true }],
    },
    spec: { parallelism: 2 },
  })
})

test('jobs end, cron jobs name their template', () => {
  expect(jobOf('j', 'busybox', ['date'])['spec']).toMatchObject({ template: { spec: { restartPolicy: 'Never' } } })
  const cronJob = cronJobOf('j', [], { image: 'busybox', schedule: '* * * * *', restart: 'OnFailure' })
  expect(cronJob['spec']).toMatchObject({ jobTemplate: { metadata: { name: 'j' } }, schedule: '* * * * *' })
})

describe('rules of an ingress', () => {
  test.each([
    ['a.com/=web:80', { host: 'a.com', path: { path: '/', pathType: 'Exact' } }],
    ['a.com/x*=web:http', { path: { path: '/x', pathType: 'Prefix', backend: { service: { port: { name: 'http' } } } } }],
    ['/=web:80', { host: '' }],
    ['a.com/=web:80,tls', { tls: '' }],
    ['a.com/=web:80,tls=cert', { tls: 'cert' }],
  ])('%s', (text, rule) => {
    expect(parseRule(text)).toMatchObject(rule)
  })

  test.each(['a.com=web:80', 'a.com/=web', 'nothing'])('%s is refused', (text) => {
    expect(() => parseRule(text)).toThrow('is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]')
  })

  test('paths of one host stand together', () => {
    const ingress = ingressOf('i', { rule: ['a.com/x=web:80', 'b.com/=web:80', 'a.com/y=web:80'] })
    expect(ingress['spec']).toMatchObject({ rules: [{ host: 'a.com', http: { paths: [{}, {}] } }, { host: 'b.com' }] })
  })
})

test('services: a target port, a node port, none at all for a headless one', () => {
  expect(serviceOf('s', 'NodePort', { tcp: ['80:web'], nodePort: '30000' })['spec']).toEqual({
    ports: [{ name: '80-web', nodePort: 30000, port: 80, protocol: 'TCP', targetPort: 'web' }],
    selector: { app: 's' },
    type: 'NodePort',
  })
  expect(serviceOf('s', 'ClusterIP', { clusterip: 'None' })['spec']).not.toHaveProperty('ports')
  expect(() => serviceOf('s', 'ClusterIP', {})).toThrow('at least one tcp port specifier must be provided')
})

test('budgets want one number, quotas take pairs', () => {
  expect(budgetOf('b', { selector: 'a=b', maxUnavailable: '50%' })['spec']).toEqual({
    maxUnavailable: '50%',
    selector: { matchLabels: { a: 'b' } },
  })
  expect(() => budgetOf('b', { selector: 'a=b' })).toThrow('one of min-available or max-unavailable must be specified')
  expect(quotaOf('q', { hard: 'pods=1,cpu=2' })['spec']).toEqual({ hard: { pods: '1', cpu: '2' } })
  expect(() => quotaOf('q', { hard: 'pods' })).toThrow('Invalid argument syntax pods, expected <resource>=<value>')
})

test('subjects of a binding', () => {
  const { subjects } = roleBindingOf('b', { role: 'r', user: ['jane'], serviceaccount: ['shop:robot'] })
  expect(subjects).toEqual([
    { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' },
    { kind: 'ServiceAccount', name: 'robot', namespace: 'shop' },
  ])
  expect(() => roleBindingOf('b', {})).toThrow('exactly one of clusterrole or role must be specified')
  expect(() => roleBindingOf('b', { role: 'r', serviceaccount: ['x'] })).toThrow('serviceaccount must be <namespace>:<name>')
})

test('credentials of a registry as docker writes them', () => {
  const data = registryData({ dockerServer: 'r', dockerUsername: 'u', dockerPassword: 'p' })
  expect(JSON.parse(Buffer.from(String(data['.dockerconfigjson']), 'base64').toString())).toEqual({
    auths: { r: { username: 'u', password: 'p', auth: 'dTpw' } },
  })
})

test('a request for a token says for whom and for how long, and names what it is bound to', () => {
  expect(tokenRequestOf({ duration: '1h', audience: ['a'] })['spec']).toEqual({ audiences: ['a'], expirationSeconds: 3600 })
  expect(() => tokenRequestOf({ boundObjectKind: 'Pod' })).toThrow('--bound-object-name is required')
})

test('selectors with words become expressions', () => {
  expect(toSelectorObject('a=b,c in (x,y),!d')).toEqual({
    matchLabels: { a: 'b' },
    matchExpressions: [
      { key: 'c', operator: 'In', values: ['x', 'y'] },
      { key: 'd', operator: 'DoesNotExist' },
    ],
  })
})
