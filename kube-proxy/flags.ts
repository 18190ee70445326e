/** The command line, as upstream's kube-proxy takes it. */
import { defineFlags, FlagError, parseFlags, type ParsedFlags } from '../component/flags.ts'
import { PROXY_MODES } from './backends/list.ts'
import { nodePortRangesProblem } from './local-addresses.ts'

export const FLAGS = defineFlags({
  kubeconfig: { type: 'string', description: 'How to reach the API server; inside a pod, its service account by default' },
  'hostname-override': { type: 'string', description: "The node's name, where it is not the host's" },
  'cluster-cidr': {
    type: 'list',
    default: [],
    description: 'Ranges of pod addresses: traffic from elsewhere to services is masqueraded',
  },
  'proxy-mode': { type: 'string', default: 'iptables', choices: PROXY_MODES, description: 'How the kernel keeps the rules' },
  'masquerade-all': { type: 'bool', default: false, description: 'Masquerade all traffic to service addresses' },
  'nodeport-addresses': {
    type: 'list',
    default: [],
    description: "Ranges of local addresses that node ports are on, or 'primary' for those of the Node object; all by default",
  },
  'iptables-localhost-nodeports': {
    type: 'bool',
    default: true,
    description: 'Node ports answer on the loopback address too (with nftables as well)',
  },
  'healthz-bind-address': {
    type: 'string',
    default: '0.0.0.0:10256',
    description: 'Address and port of /healthz, for load balancers; empty for none',
  },
  'metrics-bind-address': {
    type: 'string',
    default: '127.0.0.1:10249',
    description: 'Address and port of /metrics (HTTPS); empty for none',
  },
  cleanup: { type: 'bool', default: false, description: 'Take all rules out of the kernel and leave' },
  'log-level': {
    type: 'string',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    description: 'Least severe messages to log',
  },
  'log-format': { type: 'string', default: 'text', choices: ['text', 'json'], description: 'Form of log lines' },
})

export type ProxyFlags = ParsedFlags<typeof FLAGS>

/** The flags, or an error that names the one which cannot be. */
export function parseProxyFlags(args: readonly string[]): ProxyFlags {
  const { flags } = parseFlags(FLAGS, args, 'kube-proxy')
  const problem = nodePortRangesProblem(flags['nodeport-addresses'])
  if (problem)
    throw new FlagError(
      `invalid argument ${JSON.stringify(flags['nodeport-addresses'].join())} for "--nodeport-addresses" flag: ${problem}`,
    )
  return flags
}

/** `0.0.0.0:10256`, `[::]:10256`; null when empty. */
export function parseBindAddress(text: string): { host: string; port: number } | null {
  if (text === '') return null
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text)
  if (!match) throw new Error(`Cannot read address ${JSON.stringify(text)}: expected host:port`)
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port: Number(match[3]) }
}

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')
