/** /version: which Kubernetes this is. Clients compare the numbers; people read the rest. */
import { GIT_COMMIT, GIT_COMMIT_DATE, KUBERNETES_VERSION } from '../../component/version.ts'

export const version = {
  major: '1',
  minor: '36',
  gitVersion: KUBERNETES_VERSION,
  gitCommit: GIT_COMMIT,
  gitTreeState: 'clean',
  buildDate: GIT_COMMIT_DATE,
  goVersion: `node ${process.version}`,
  compiler: 'tsc',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}
