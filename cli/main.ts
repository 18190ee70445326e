/** The `kubelab` command. */
import { labServedAt } from '../lab/known-labs.ts'
import { describeError, exitCodeOf, hintFor } from './errors.ts'
import { createProgram } from './program.ts'

// `kubelab get pods | head -1` closes the pipe early, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const program = createProgram()
try {
  await program.run(process.argv.slice(2))
} catch (error) {
  const text = [describeError(error), hintFor(error, labServedAt)].filter(Boolean).join('\n')
  if (text) process.stderr.write(`${text}\n`)
  process.exitCode = exitCodeOf(error)
} finally {
  await program.close()
}
