import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { definitionFile, type LabDefinition } from './definition.ts'
import { findLab, findOrMakeLab, labNames, saveLab } from './known-labs.ts'
import type { Interfaces } from './taken-ranges.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'kubelab-labs-'))
})
afterEach(() => rm(root, { recursive: true }))

const lab = (name: string, index: number): LabDefinition => ({ name, index, nodes: ['node-1'], internet: false })
const make = (name: string, interfaces: Interfaces = {}) => findOrMakeLab(name, (index) => lab(name, index), root, interfaces)

describe('a lab that is made', () => {
  it('has an index of its own, however many are made at the same time', async () => {
    const names = Array.from({ length: 12 }, (_, number) => `lab-${number}`)
    const made = await Promise.all(names.map((name) => make(name)))
    expect(made.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(names.map((_, number) => number))
    expect(names.map((name) => findLab(name, root))).toEqual(made)
  })

  it('is made once by two who want it at the same time', async () => {
    const [one, other] = await Promise.all([make('lab'), make('lab')])
    expect(one).toEqual(other)
  })

  it('takes the lowest index that no other has', async () => {
    for (const index of [0, 1, 3]) await saveLab(lab(`lab-${index}`, index), root)
    expect(await make('new')).toMatchObject({ index: 2 })
  })

  it('leaves alone the ranges of other networks of the machine', async () => {
    const interfaces = { br0: [{ cidr: '172.30.0.1/16' }], br1: [{ cidr: '172.30.3.1/23' }, { cidr: 'fe80::1/64' }] }
    const names = ['a', 'b', 'c']
    const made = []
    for (const name of names) made.push(await make(name, interfaces))
    expect(made.map(({ index }) => index)).toEqual([1, 4, 5])
  })

  it('holds up nobody when it cannot be defined', async () => {
    const refuse = () => {
      throw new Error('no such shape')
    }
    await expect(findOrMakeLab('bad', refuse, root, {})).rejects.toThrow('no such shape')
    expect(findLab('bad', root)).toBeUndefined()
    expect(await make('good')).toMatchObject({ index: 0 })
  })
})

it('what is no lab is not listed as one', async () => {
  await make('lab')
  await writeFile(path.join(root, 'notes'), '')
  expect(labNames(root)).toEqual(['lab'])
})

it('a lab that is saved leaves nothing beside its definition', async () => {
  await make('lab')
  await saveLab({ ...lab('lab', 0), nodes: ['node-1', 'node-2'] }, root)
  expect(findLab('lab', root)?.nodes).toEqual(['node-1', 'node-2'])
  expect(await readdir(path.dirname(definitionFile('lab', root)))).toEqual(['lab.json'])
})
