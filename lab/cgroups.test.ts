import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createCgroups } from './cgroups.ts'

const lab = { name: 'mine', index: 0, nodes: ['node-1'], internet: false }

let root: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'kubelab-cgroups-'))
})
afterEach(() => rmSync(root, { recursive: true }))

it('a node has a cgroup in every hierarchy of version 1', () => {
  for (const controller of ['cpu', 'memory']) mkdirSync(path.join(root, controller))
  createCgroups(lab, 'node-1', root)
  for (const controller of ['cpu', 'memory'])
    expect(existsSync(path.join(root, controller, 'kubelab', 'mine', 'node-1'))).toBe(true)
})

it('a node has one cgroup in version 2, to which the cgroups above it hand on their controllers', () => {
  mkdirSync(path.join(root, 'system.slice'))
  for (const folder of [root, path.join(root, 'kubelab'), path.join(root, 'kubelab', 'mine')]) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'cgroup.controllers'), 'cpu memory\n')
  }
  createCgroups(lab, 'node-1', root)
  expect(existsSync(path.join(root, 'kubelab', 'mine', 'node-1'))).toBe(true)
  expect(existsSync(path.join(root, 'system.slice', 'kubelab'))).toBe(false)
  for (const folder of [root, path.join(root, 'kubelab'), path.join(root, 'kubelab', 'mine')])
    expect(readFileSync(path.join(folder, 'cgroup.subtree_control'), 'utf8')).toBe('+cpu +memory')
})
