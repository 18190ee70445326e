import { expect, test } from 'vitest'
import { serviceFor } from './expose.ts'
import type { KubeJson } from '../arguments/manifests.ts'

const deployment = (replicas: number, ...env: string[]): KubeJson => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas, template: { spec: { containers: [{ name: 'c', env: env.map((name) => ({ name })) }] } } },
})

test('a service for a deployment takes its selector and its ports', () => {
  const object = {
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 8080 }] }] } },
    },
  }
  expect(serviceFor(object, 'default', { protocol: 'TCP' })).toMatchObject({
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 8080, targetPort: 8080 }] },
  })
  expect(() => serviceFor({ ...object, spec: { selector: { matchLabels: {} } } }, 'default', { protocol: 'TCP' })).toThrow(
    "couldn't find port",
  )
})
