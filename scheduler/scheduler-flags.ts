/** The flags of kube-scheduler, as upstream names them. */
import { LEADER_FLAGS } from '../client/leader-flags.ts'
import { defineFlags } from '../component/flags.ts'

export const schedulerFlags = defineFlags({
  kubeconfig: { type: 'string', description: 'Path to the kubeconfig; without it the service account of the pod is used' },
  config: { type: 'string', description: 'Path to a KubeSchedulerConfiguration' },
  ...LEADER_FLAGS,
  'bind-address': { type: 'string', description: 'Address of the health and metrics server', default: '0.0.0.0' },
  'secure-port': { type: 'int', description: 'Port of the health and metrics server; 0 takes any', default: 10259 },
  'tls-cert-file': { type: 'string', description: 'Serving certificate; without it a self-signed one is made' },
  'tls-private-key-file': { type: 'string', description: 'Key of the serving certificate' },
  'client-ca-file': { type: 'string', description: 'Authorities whose client certificates are known' },
  'logging-format': {
    type: 'string',
    description: 'Form of log lines',
    default: 'text',
    choices: ['text', 'json'],
  },
  v: { type: 'int', description: 'Log verbosity; 4 and more shows debug messages', default: 0 },
})
