/** Runs a program to its end: its output, or an error with what it complained of. */
import { spawn } from 'node:child_process'

/** Answers the program's output; rejects when it fails. A test may put `ip netns exec` before it. */
export type Run = (command: readonly [string, ...string[]], input?: string) => Promise<string>

export const runProgram: Run = ([program, ...args], input = '') =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
    child.on('error', (error) => reject(new Error(`Cannot run ${program}: ${error.message}`, { cause: error })))
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(output).toString())
      else reject(new ProgramError(program, code, Buffer.concat(errors).toString().trim()))
    })
    // A program that ends before it has read everything says why in its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })

export class ProgramError extends Error {
  override name = 'ProgramError'
  readonly code: number | null
  readonly errors: string

  constructor(program: string, code: number | null, errors: string) {
    super(`Cannot run ${program}: exit code ${code}: ${errors}`)
    this.code = code
    this.errors = errors
  }
}
