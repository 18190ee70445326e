/** `--dry-run` and `-o` of the commands that write: how a change is sent, and how it is told. */
import type { Command } from 'commander'
import type { JsonObject } from '../../api/json.ts'
import { CliError } from '../errors.ts'
import { nameOf, type KubeJson } from '../arguments/manifests.ts'
import { createPrinter, withoutManagedFields } from '../printers/printer.ts'
import { qualifiedSingular, type ResourceType } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

export interface WriteOptions {
  dryRun: string
  output?: string
  showManagedFields?: boolean
}

export const withWriteOptions = (command: Command): Command =>
  command
    .option('--dry-run <how>', 'client: send nothing; server: send, but keep nothing', 'none')
    .option('-o, --output <format>', 'show the object: yaml, json, name, …')
    .option('--show-managed-fields', 'with yaml and json: who owns which field')

/** `client`, `server` or `none`. */
export function dryRunOf({ dryRun }: { dryRun: string }): 'client' | 'server' | 'none' {
  if (dryRun === 'client' || dryRun === 'server' || dryRun === 'none') return dryRun
  throw new CliError(`Invalid dry-run value (${dryRun}). Must be "none", "server", or "client".`)
}

export const dryRunQuery = (options: { dryRun: string }): Record<string, string> =>
  dryRunOf(options) === 'server' ? { dryRun: 'All' } : {}

export const dryRunSuffix = (options: { dryRun: string }): string =>
  ({ client: ' (dry run)', server: ' (server dry run)', none: '' })[dryRunOf(options)]

/** `pod/web patched`, or the object itself with `-o`. */
export function report(session: Session, type: ResourceType, object: JsonObject, outcome: string, options: WriteOptions): void {
  const print = createPrinter(options.output)
  // Upstream leaves the type out of what some writes answer.
  const typed = { apiVersion: type.group ? `${type.group}/${type.version}` : type.version, kind: type.kind, ...object }
  if (!print) session.print(`${qualifiedSingular(type)}/${nameOf(object as KubeJson)} ${outcome}${dryRunSuffix(options)}`)
  else if (options.output?.startsWith('jsonpath=')) process.stdout.write(print(typed))
  else session.print(print(options.showManagedFields ? typed : withoutManagedFields(typed)))
}
