import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { complete } from './completion-words.ts'

describe('words to finish a line with', () => {
  const program = new Command('kubelab').option('--namespace <name>')
  program.command('get').option('--watch')
  program.command('exec')
  program.command('rollout').command('status')
  const types = ['pods', 'po', 'nodes']

  test.each([
    [[], 'e', { words: ['exec'] }],
    [['get'], 'p', { words: ['pods', 'po'] }],
    [['get', 'pods'], 'w', { words: [], namesOf: 'pods' }],
    [['get'], 'pods/w', { words: [], namesOf: 'pods', prefix: 'pods/' }],
    [['get'], '--', { words: ['--namespace', '--watch'] }],
    [['exec'], '', { words: [], namesOf: 'pods' }],
    [['rollout'], 's', { words: ['status'] }],
  ])('%j %s', (typed, current, found) => {
    expect(complete(program, typed, current, types)).toEqual(found)
  })
})
