import { expect, test } from 'vitest'
import { parseWaitCondition } from './wait-condition.ts'

const object = {
  metadata: { name: 'x', generation: 2 },
  status: {
    phase: 'Running',
    readyReplicas: 3,
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Old', status: 'True', observedGeneration: 1 },
    ],
  },
}

test.each([
  ['condition=Ready', true],
  ['condition=ready=true', true],
  ['condition=Ready=false', false],
  ['condition=Nope', false],
  ['condition=Old', false],
  ["jsonpath='{.status.phase}'=Running", false],
  ['jsonpath={.status.phase}=Running', true],
  ['jsonpath={.status.phase}=Pending', false],
  ['jsonpath={.status.readyReplicas}=3', true],
  ['jsonpath={.status.readyReplicas}', true],
  ['jsonpath={.status.nope}', false],
  ['jsonpath=.status.phase=Running', true],
])('%s is met: %s', (text, expected) => {
  if (text.includes("'")) return expect(() => parseWaitCondition(text)).toThrow()
  const condition = parseWaitCondition(text)
  return expect(condition.kind === 'state' && condition.isMet(object)).toBe(expected)
})

test('what is no condition is refused', () => {
  expect(() => parseWaitCondition('ready')).toThrow('unrecognized condition: "ready"')
})
