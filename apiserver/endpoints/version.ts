/** /version: which Kubernetes this is. Clients compare the numbers; people read the rest. */

export const KUBERNETES_VERSION = 'v1.36.0+kubelab.0'

export const version = {
  major: '1',
  minor: '36',
  gitVersion: KUBERNETES_VERSION,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: `node ${process.version}`,
  compiler: 'tsc',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}
