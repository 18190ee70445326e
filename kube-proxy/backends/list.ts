/** Every backend by its `--proxy-mode`. */
import type { Backend, ProxyMode } from './backend.ts'
import { createIptablesBackend, type BackendOptions } from './iptables.ts'
import { createNftablesBackend } from './nftables.ts'

export const BACKENDS: Record<ProxyMode, (options: BackendOptions) => Backend> = {
  iptables: createIptablesBackend,
  nftables: createNftablesBackend,
}

export const PROXY_MODES = Object.keys(BACKENDS) as ProxyMode[]
