/** `--validate`: what the server does with fields that it does not know. */
import type { Command } from 'commander'
import { CliError } from '../errors.ts'

export interface ValidationOptions {
  validate: string
}

const MODES: Record<string, string> = { strict: 'Strict', true: 'Strict', warn: 'Warn', ignore: 'Ignore', false: 'Ignore' }

export const withValidation = (command: Command): Command =>
  command.option('--validate [how]', 'strict, warn or ignore unknown fields', 'strict')

export function fieldValidationOf({ validate }: ValidationOptions): string {
  const mode = MODES[validate.toLowerCase()]
  if (!mode)
    throw new CliError(
      `invalid - validate option ${JSON.stringify(validate)}; must be one of: strict (or true), warn, ignore (or false)`,
    )
  return mode
}
