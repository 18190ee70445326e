import { expect, test } from 'vitest'
import { deploymentOf } from './workloads.ts'

test('a deployment made of options', () => {
  expect(
    deploymentOf('web', ['sleep', '1'], { image: ['registry.example/team/Web_App:1@sha256:0'], replicas: '2', port: '80' }),
  ).toMatchObject({
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 2,
      template: { spec: { containers: [{ name: 'web-app', command: ['sleep', '1'], ports: [{ containerPort: 80 }] }] } },
    },
  })
})
