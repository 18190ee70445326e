import { expect, it } from 'vitest'
import { dnsObjects } from './dns.ts'

it('the service of the cluster DNS is one that `kubectl cluster-info` tells of, by the name it has there', () => {
  const objects = dnsObjects({ node: '/bin/node', dist: '/dist', upstream: [] })
  const told = objects.filter(({ metadata }) => metadata.labels?.['kubernetes.io/cluster-service'] === 'true')
  expect(told.map(({ kind, metadata }) => [kind, metadata.name, metadata.labels?.['kubernetes.io/name']])).toEqual([
    ['Service', 'kube-dns', 'KubeDNS'],
  ])
})
