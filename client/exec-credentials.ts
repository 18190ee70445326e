/** Credentials from an exec plugin (client.authentication.k8s.io): run when needed, kept until they expire or are refused. */
import { spawn } from 'node:child_process'
import { messageOf } from '../api/error-message.ts'
import type { ClientConfig, ExecPlugin } from './kubeconfig.ts'

interface ExecStatus {
  token?: string
  clientCertificateData?: string
  clientKeyData?: string
  expirationTimestamp?: string
}

/** The plugin runs once here, since a client certificate must be known before the first connection. */
export async function createExecCredentials(plugin: ExecPlugin): Promise<Pick<ClientConfig, 'cert' | 'key' | 'authorization'>> {
  let current = await runPlugin(plugin)
  const authorization = async (rejected: boolean) => {
    const expired = current.expirationTimestamp !== undefined && Date.parse(current.expirationTimestamp) <= Date.now()
    if (rejected || expired) current = await runPlugin(plugin)
    return current.token ? `Bearer ${current.token}` : undefined
  }
  return { cert: current.clientCertificateData, key: current.clientKeyData, authorization }
}

async function runPlugin({ apiVersion, command, args, env, installHint }: ExecPlugin): Promise<ExecStatus> {
  const request = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } }
  const extra = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]))
  const output = await run(command, args ?? [], {
    ...process.env,
    ...extra,
    KUBERNETES_EXEC_INFO: JSON.stringify(request),
  }).catch((error: unknown) => {
    const why = messageOf(error)
    throw new Error(`getting credentials: exec: ${why}${installHint ? `\n\n${installHint}` : ''}`, { cause: error })
  })
  const answer = JSON.parse(output) as { kind?: string; status?: ExecStatus }
  if (answer.kind !== 'ExecCredential' || !answer.status) throw new Error("exec plugin didn't return a status field")
  if (!answer.status.token && !answer.status.clientCertificateData) {
    throw new Error("exec plugin didn't return a token or cert/key pair")
  }
  return answer.status
}

const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`executable ${command} failed with exit code ${code}`))
    })
  })
