import { describe, expect, test } from 'vitest'
import { defineFlags, FlagError, HelpRequested, parseFlags } from './flags.ts'

const flags = defineFlags({
  kubeconfig: { type: 'string', description: 'where' },
  port: { type: 'int', description: 'which', default: 10259, alias: 'secure-port' },
  'leader-elect': { type: 'bool', description: 'whether', default: true },
  'sync-period': { type: 'duration', description: 'how long', default: 1000 },
  controllers: { type: 'list', description: 'who', default: ['*'] },
  gates: { type: 'map', description: 'what' },
  format: { type: 'string', description: 'how', choices: ['text', 'json'], default: 'text' },
})

describe('parseFlags', () => {
  test('takes both spellings, types values and keeps defaults', () => {
    const {
      flags: parsed,
      given,
      args,
    } = parseFlags(flags, ['--kubeconfig', 'a', '--secure-port=1', '--leader-elect=false', 'rest'])
    expect(parsed).toMatchObject({ kubeconfig: 'a', port: 1, 'leader-elect': false, 'sync-period': 1000, controllers: ['*'] })
    expect([...given]).toEqual(['kubeconfig', 'port', 'leader-elect'])
    expect(args).toEqual(['rest'])
  })

  test('a bare bool is true and leaves the next word alone', () => {
    expect(parseFlags(flags, ['--leader-elect', 'false']).args).toEqual(['false'])
  })

  test('lists and maps add up over several flags', () => {
    const { flags: parsed } = parseFlags(flags, ['--controllers=a,b', '--controllers=c', '--gates=x=1', '--gates=y=a=b'])
    expect(parsed.controllers).toEqual(['a', 'b', 'c'])
    expect(parsed.gates).toEqual({ x: '1', y: 'a=b' })
  })

  test.each([
    [['--nope'], 'unknown flag: --nope'],
    [['--port'], 'flag needs an argument: --port'],
    [['--port=x'], 'invalid argument "x" for "--port" flag'],
    [['--format=xml'], 'must be one of text, json'],
    [['--sync-period=5'], 'missing unit'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseFlags(flags, argv)).toThrow(message)
    expect(() => parseFlags(flags, argv)).toThrow(FlagError)
  })

  test('a required flag must be given', () => {
    expect(() => parseFlags({ token: { type: 'string', description: '', required: true } }, [])).toThrow(
      'required flag "--token" not set',
    )
  })

  test('--help carries the description of every flag', () => {
    expect(() => parseFlags(flags, ['--help'])).toThrow(HelpRequested)
  })
})
