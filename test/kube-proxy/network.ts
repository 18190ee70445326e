/** A small network for the proxy's tests: a node that routes between pods and the outside, each a namespace of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { runProgram, type Run } from '../../kube-proxy/run-program.ts'

export interface Machine {
  ip: string
  run: Run
  /** Answers what a TCP client gets, or how it failed: `refused`, `timeout`. */
  get(address: string, options?: { from?: string }): Promise<string>
}

export interface TestNetwork {
  node: Machine
  /** 10.244.0.0/16, behind the node; each serves its name on port 8080, over TCP and UDP. */
  pods: Machine[]
  /** Reaches services through the node. */
  outside: Machine
  remove(): Promise<void>
}

const nodeProgram = process.execPath
const serverSource = (name: string) => `
  require('node:http').createServer((q, r) => r.end(${JSON.stringify(name)} + ' ' + q.socket.remoteAddress.replace('::ffff:', ''))).listen(8080)
  const udp = require('node:dgram').createSocket('udp4')
  udp.on('message', (_, from) => udp.send(${JSON.stringify(name)}, from.port, from.address))
  udp.bind(8080, () => console.log('ready'))`

export async function createNetwork(prefix: string, podCount: number): Promise<TestNetwork> {
  const names = {
    node: `${prefix}-node`,
    outside: `${prefix}-out`,
    pods: Array.from({ length: podCount }, (_, index) => `${prefix}-p${index}`),
  }
  const servers: ChildProcess[] = []
  const all = [names.node, names.outside, ...names.pods]
  const remove = async () => {
    for (const server of servers) server.kill('SIGKILL')
    for (const name of all) await runProgram(['ip', 'netns', 'del', name]).catch(() => {})
  }
  try {
    for (const name of all) {
      await runProgram(['ip', 'netns', 'add', name])
      await runProgram(['ip', '-n', name, 'link', 'set', 'lo', 'up'])
    }
    await inNamespace(names.node)([
      'sysctl',
      '-qw',
      'net.ipv4.ip_forward=1',
      'net.ipv4.conf.all.rp_filter=0',
      'net.ipv4.conf.default.rp_filter=0',
    ])
    await inNamespace(names.node)(['sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1'])
    await connect(names.node, names.outside, '192.168.77.1', '192.168.77.2')
    // A service address needs some route, or the packet ends before the rules see it.
    await runProgram(['ip', '-n', names.node, 'route', 'add', 'default', 'via', '192.168.77.2'])
    for (const [index, pod] of names.pods.entries()) {
      await connect(names.node, pod, `10.244.${index}.1`, `10.244.${index}.2`)
      servers.push(await serve(pod))
    }
    return {
      node: machine(names.node, '192.168.77.1'),
      outside: machine(names.outside, '192.168.77.2'),
      pods: names.pods.map((name, index) => machine(name, `10.244.${index}.2`)),
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A veth pair with one end in each; the far end sends everything to the node. */
async function connect(node: string, other: string, nodeAddress: string, address: string): Promise<void> {
  const link = `v${other}`.slice(0, 15)
  await runProgram(['ip', '-n', node, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', other])
  await runProgram(['ip', '-n', node, 'addr', 'add', `${nodeAddress}/24`, 'dev', link])
  await runProgram(['ip', '-n', node, 'link', 'set', link, 'up'])
  await runProgram(['ip', '-n', other, 'addr', 'add', `${address}/24`, 'dev', 'eth0'])
  await runProgram(['ip', '-n', other, 'link', 'set', 'eth0', 'up'])
  await runProgram(['ip', '-n', other, 'route', 'add', 'default', 'via', nodeAddress])
}

const serve = (namespace: string): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    // Dies with the test, however that ends.
    const child = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', 'ip', 'netns', 'exec', namespace, nodeProgram, '-e', serverSource(namespace)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    child.once('error', reject)
    child.stdout!.once('data', () => resolve(child))
  })

export const inNamespace =
  (name: string): Run =>
  (command, input) =>
    runProgram(['ip', 'netns', 'exec', name, ...command], input)

function machine(name: string, ip: string): Machine {
  const run = inNamespace(name)
  return {
    ip,
    run,
    async get(address, { from } = {}) {
      const source: string[] = from ? ['--interface', from] : []
      try {
        return await run([
          'curl',
          '-s',
          '--noproxy',
          '*',
          '--connect-timeout',
          '1',
          '--max-time',
          '20',
          ...source,
          `http://${address}/`,
        ])
      } catch (error) {
        const code = (error as { code?: number }).code
        return code === 7 ? 'refused' : code === 28 ? 'timeout' : String(error)
      }
    },
  }
}

/** One datagram from a fixed port, and the answer to it; `silence` when none comes. */
export async function askUdp(
  { run }: Machine,
  address: string,
  port: number,
  sourcePort: number,
  patienceMs = 20_000,
): Promise<string> {
  const source = `
    const socket = require('node:dgram').createSocket('udp4')
    const end = (text) => { console.log(text); socket.close() }
    const timer = setTimeout(() => end('silence'), ${patienceMs})
    socket.on('message', (text) => { clearTimeout(timer); end(String(text)) })
    socket.on('error', () => { clearTimeout(timer); end('silence') })
    socket.bind(${sourcePort}, () => socket.send('?', ${port}, ${JSON.stringify(address)}))`
  return (await run([nodeProgram, '-e', source])).trim()
}
