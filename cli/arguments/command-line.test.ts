import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { normalizeArguments } from './command-line.ts'

function program(): Command {
  const root = new Command('kubelab').option('-n, --namespace <name>').option('--user <name>')
  root.command('get').option('-w, --watch').option('-l, --selector <labels>').option('--no-headers').option('--wait [bool]')
  root.command('exec').option('-i, --stdin').option('-t, --tty').option('-c, --container <name>')
  root.command('create').option('-f, --filename <file>').command('rolebinding').option('--user <name>')
  return root
}

describe('options are read as kubectl reads them', () => {
  test.each([
    ['get pods -n=shop', '-n shop get pods'],
    ['get pods -nshop', '-n shop get pods'],
    ['get pods --namespace shop', '--namespace=shop get pods'],
    ['get --watch=true pods', 'get --watch pods'],
    ['get --watch=false pods', 'get pods'],
    ['get --no-headers=true', 'get --no-headers'],
    ['get --wait pods', 'get --wait=true pods'],
    ['get --wait=false pods', 'get --wait=false pods'],
    ['get -l=app=web', 'get -l app=web'],
    ['exec -itc app web', 'exec -i -t -c app web'],
    ['exec web -n x -- ls -n y', '-n x exec web -- ls -n y'],
    ['create rolebinding b --user=jane', 'create rolebinding b --user=jane'],
    ['get x --user=jane', '--user=jane get x'],
    ['get --unknown=1', 'get --unknown=1'],
    ['create -f -', 'create -f -'],
  ])('%s', (typed, read) => {
    expect(normalizeArguments(program(), typed.split(' ')).join(' ')).toBe(read)
  })
})
