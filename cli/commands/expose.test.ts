import { expect, test } from 'vitest'
import { serviceFor } from './expose.ts'

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
