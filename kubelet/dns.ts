/** Pure: what a pod's /etc/resolv.conf and host name are. */
import type { Pod } from '../api/generated/types.ts'
import { isHostNetwork } from './pods/pod-spec.ts'
import type { DnsConfig } from './runtime/cri-types.ts'

export interface NodeDns {
  clusterDns: readonly string[]
  clusterDomain: string
  /** The node's own resolv.conf, parsed. */
  node: DnsConfig
}

const maxNameservers = 3
const maxSearches = 32

export function parseResolvConf(text: string): DnsConfig {
  const config: DnsConfig = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/)
    if (keyword === 'nameserver' && values[0]) config.servers.push(values[0])
    // As resolvers do: the last `search` line counts.
    if (keyword === 'search') config.searches = values.map((domain) => (domain === '.' ? domain : domain.replace(/\.$/, '')))
    if (keyword === 'options') config.options.push(...values)
  }
  return config
}

export function computeDns(pod: Pod, { clusterDns, clusterDomain, node }: NodeDns): DnsConfig {
  const { dnsPolicy = 'ClusterFirst', dnsConfig } = pod.spec
  const useCluster =
    clusterDns.length > 0 && (dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !isHostNetwork(pod)))
  const base: DnsConfig =
    dnsPolicy === 'None'
      ? { servers: [], searches: [], options: [] }
      : useCluster
        ? {
            servers: [...clusterDns],
            searches: [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...node.searches],
            options: ['ndots:5'],
          }
        : node
  const options = (dnsConfig?.options ?? []).map(({ name, value }) => (value === undefined ? name! : `${name}:${value}`))
  const overridden = new Set(options.map(optionName))
  return {
    servers: [...new Set([...base.servers, ...(dnsConfig?.nameservers ?? [])])].slice(0, maxNameservers),
    searches: [...new Set([...base.searches, ...(dnsConfig?.searches ?? [])])].slice(0, maxSearches),
    options: [...base.options.filter((option) => !overridden.has(optionName(option))), ...options],
  }
}

const optionName = (option: string): string => option.split(':')[0]!

/** Linux takes 64 characters; upstream cuts at 63 and drops what a cut leaves hanging. */
const cut = (name: string): string => name.slice(0, 63).replace(/[-.]+$/, '')

export interface HostNames {
  hostname: string
  /** The domain after it, when the pod has a subdomain. */
  domain: string
}

function computeHostNames(pod: Pod, clusterDomain: string): HostNames {
  const { hostname, subdomain } = pod.spec
  const domain = subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : ''
  return { hostname: hostname || cut(pod.metadata.name), domain }
}

/** The kernel takes no more. */
const longestHostname = 64

/** The name that `uname -n` answers. */
export function computeKernelHostname(pod: Pod, clusterDomain: string): string {
  if (pod.spec.hostnameOverride !== undefined) return pod.spec.hostnameOverride
  const { hostname, domain } = computeHostNames(pod, clusterDomain)
  if (!pod.spec.setHostnameAsFQDN || !domain) return hostname
  const fqdn = `${hostname}.${domain}`
  if (fqdn.length > longestHostname)
    throw new Error(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (${longestHostname} characters is the max, ${fqdn.length} characters requested)`,
    )
  return fqdn
}

export function computeHostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string, nodeHosts?: string): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}`)
  const extra = aliases.length > 0 ? `\n# Entries added by HostAliases.\n${aliases.join('\n')}\n` : ''
  if (nodeHosts !== undefined) return `# Kubernetes-managed hosts file (host network).\n${nodeHosts}${extra}`
  const { hostname, domain } = computeHostNames(pod, clusterDomain)
  const names = domain ? `${hostname}.${domain}\t${hostname}` : hostname
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIps.map((ip) => `${ip}\t${names}`),
    extra,
  ].join('\n')
}
