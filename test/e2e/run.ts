/** Runs a program to its end and hands over what it said; a failure shows all of it. */
import { spawn } from 'node:child_process'
import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '..', '..')
export const kubelabProgram = path.join(root, 'bin', 'kubelab')

export interface Result {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  input?: string
  env?: NodeJS.ProcessEnv
  timeoutMs?: number
}

export function runAny(
  command: string,
  words: readonly string[],
  { input, env, timeoutMs = 120_000 }: RunOptions = {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { env: { ...process.env, ...env }, timeout: timeoutMs, stdio: ['pipe', 'pipe', 'pipe'] })
    const result: Result = { code: null, stdout: '', stderr: '' }
    child.stdout.on('data', (text: Buffer) => (result.stdout += text.toString()))
    child.stderr.on('data', (text: Buffer) => (result.stderr += text.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...result, code }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/** Rejects when the program fails. */
export async function run(command: string, words: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runAny(command, words, options)
  if (code !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${code}\n${stdout}${stderr}`)
  return stdout
}
