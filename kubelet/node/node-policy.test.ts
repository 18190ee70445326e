import { describe, expect, it } from 'vitest'
import type { Pod } from '../../api/generated/types.ts'
import { judgePolicy, type NodePolicy } from './node-policy.ts'

const bare: NodePolicy = { allowedSysctls: [], appArmor: false }
const pod = (securityContext: Pod['spec']['securityContext']): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u' },
  spec: { securityContext, containers: [{ name: 'main' }] },
})
const setting = (name: string) => pod({ sysctls: [{ name, value: '1' }] })

describe('a pod that sets a sysctl', () => {
  it.each([
    ['that harms nobody', 'net.ipv4.tcp_syncookies', bare, undefined],
    ['that harms nobody, spelled with slashes', 'net/ipv4/tcp_syncookies', bare, undefined],
    ['that others feel', 'kernel.msgmax', bare, 'SysctlForbidden'],
    ['that the node allows by name', 'kernel.msgmax', { ...bare, allowedSysctls: ['kernel.msgmax'] }, undefined],
    ['that the node allows by a pattern', 'kernel.msgmax', { ...bare, allowedSysctls: ['kernel.msg*'] }, undefined],
    ['that is beside the pattern', 'kernel.sem', { ...bare, allowedSysctls: ['kernel.msg*'] }, 'SysctlForbidden'],
  ])('%s (%s) is judged', (_, name, policy, reason) => {
    expect(judgePolicy(setting(name), policy)?.reason).toBe(reason)
  })
})

describe('a pod with an AppArmor profile', () => {
  it.each([
    ['RuntimeDefault', false, 'AppArmor'],
    ['RuntimeDefault', true, undefined],
    ['Unconfined', false, undefined],
  ])('%s on a host with AppArmor %s', (type, appArmor, reason) => {
    expect(judgePolicy(pod({ appArmorProfile: { type } }), { ...bare, appArmor })?.reason).toBe(reason)
  })
})

it('a pod that wants no other groups than it names is refused: the runtime would add those of its image', () => {
  const judged = (policy: string) => judgePolicy(pod({ supplementalGroupsPolicy: policy }), bare)?.reason
  expect([judged('Strict'), judged('Merge')]).toEqual(['SupplementalGroupsPolicyNotSupported', undefined])
})
