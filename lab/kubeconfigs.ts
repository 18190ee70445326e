/** The kubeconfigs of a lab's components and of its administrator: written when they would differ from what is there. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { readIfThere, writeWhole, type CertificateFiles, type Pki } from './certificates.ts'
import { apiServerUrl, type LabDefinition, labPaths } from './definition.ts'

/** Answers the paths of those that were written: whoever uses them must be told. */
export async function writeKubeconfigs(lab: LabDefinition, pki: Pki): Promise<string[]> {
  const users: Record<string, { user: string; client: CertificateFiles }> = {
    admin: { user: 'admin', client: pki.admin },
    scheduler: { user: 'system:kube-scheduler', client: pki.scheduler },
    'controller-manager': { user: 'system:kube-controller-manager', client: pki.controllerManager },
    'kube-proxy': { user: 'system:kube-proxy', client: pki.kubeProxy },
    ...Object.fromEntries(
      Object.entries(pki.kubelets).map(([node, { client }]) => [`kubelet-${node}`, { user: `system:node:${node}`, client }]),
    ),
  }
  const written = await Promise.all(
    Object.entries(users).map(async ([name, { user, client }]) => {
      const file = path.join(labPaths(lab.name).kubeconfigs, `${name}.conf`)
      const text = await kubeconfigFor({
        server: apiServerUrl(lab),
        ca: pki.ca.certificate,
        client,
        user,
        cluster: `kubelab-${lab.name}`,
      })
      if ((await readIfThere(file)) === text) return []
      await writeWhole(file, text, 0o600)
      return [file]
    }),
  )
  return written.flat()
}

export interface KubeconfigOptions {
  /** `https://10.0.0.1:6443` */
  server: string
  /** Paths; their contents are put into the text, so that the kubeconfig works wherever it is copied to. */
  ca: string
  client: CertificateFiles
  cluster?: string
  user: string
  namespace?: string
}

/** A kubeconfig as text with everything inside it: write it with mode 0600. */
export async function kubeconfigFor(options: KubeconfigOptions): Promise<string> {
  const base64 = async (file: string) => (await readFile(file)).toString('base64')
  const [ca, certificate, key] = await Promise.all([options.ca, options.client.certificate, options.client.key].map(base64))
  const cluster = options.cluster ?? 'kubelab'
  const context = `${options.user}@${cluster}`
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- name: ${JSON.stringify(cluster)}`,
    '  cluster:',
    `    certificate-authority-data: ${ca}`,
    `    server: ${JSON.stringify(options.server)}`,
    'contexts:',
    `- name: ${JSON.stringify(context)}`,
    '  context:',
    `    cluster: ${JSON.stringify(cluster)}`,
    ...(options.namespace ? [`    namespace: ${JSON.stringify(options.namespace)}`] : []),
    `    user: ${JSON.stringify(options.user)}`,
    `current-context: ${JSON.stringify(context)}`,
    'preferences: {}',
    'users:',
    `- name: ${JSON.stringify(options.user)}`,
    '  user:',
    `    client-certificate-data: ${certificate}`,
    `    client-key-data: ${key}`,
  ]
  return `${lines.join('\n')}\n`
}
