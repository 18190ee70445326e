import { expect, test } from 'vitest'
import { CommandFailed, outcomeOf } from './exec-channels.ts'

test('exec ends as the command did', () => {
  expect(outcomeOf('{"kind":"Status","status":"Success"}')).toBeUndefined()
  const failed = outcomeOf(
    '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}',
  )
  expect(failed).toBeInstanceOf(CommandFailed)
  expect(failed).toMatchObject({ message: 'command terminated with exit code 3', exitCode: 3 })
})
