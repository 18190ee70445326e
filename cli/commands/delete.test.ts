import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { normalizeArguments } from '../arguments/command-line.ts'
import { deleteObjects, isAboutTheLab } from './delete.ts'

describe('delete without a type', () => {
  test.each([
    ['', true],
    ['--lab other', true],
    ['-l app=web', false],
    ['--all', false],
    ['--now', false],
    ['-n shop', false],
    ['--context elsewhere', false],
  ])('delete %s: the lab is meant: %s', async (typed, isMeant) => {
    const program = new Command('kubelab').option('-n, --namespace <name>').option('--context <name>')
    deleteObjects(program, () => Promise.reject(new Error('no command line here needs a server')))
    const command = program.commands[0]!
    let heard: boolean | undefined
    command.action(() => {
      heard = isAboutTheLab(command)
    })
    await program.parseAsync(normalizeArguments(program, ['delete', ...typed.split(' ').filter(Boolean)]), { from: 'user' })
    expect(heard).toBe(isMeant)
  })
})
