/** Programs of the user's: the editor, the comparer. */
import { spawn } from 'node:child_process'
import { CliError } from './errors.ts'

/** On our own terminal, through the shell as the variables that name them are written; answers the exit code. */
export function runProgram(commandLine: string, files: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${commandLine} "$@"`, 'sh', ...files], { stdio: 'inherit' })
    child.once('error', (error) => reject(new CliError(`unable to launch ${JSON.stringify(commandLine)}: ${error.message}`)))
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0)))
  })
}
