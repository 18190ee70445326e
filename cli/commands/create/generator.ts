/** What `kubelab create KIND` is made of: options of its own, and the object that they describe. */
import type { Command } from 'commander'
import type { JsonObject } from '../../../api/json.ts'
import { report, dryRunOf, dryRunQuery, withWriteOptions, type WriteOptions } from '../../writes/dry-run.ts'
import { fieldValidationOf, withValidation, type ValidationOptions } from '../../writes/field-validation.ts'
import { namespaceOf, type KubeJson } from '../../arguments/manifests.ts'
import { pathOf } from '../../arguments/resource-types.ts'
import type { Session } from '../../session.ts'

export interface CreateOptions extends WriteOptions, ValidationOptions {
  saveConfig?: boolean
}

export interface Generator<Options> {
  /** `deployment <name> [command...]` */
  usage: string
  aliases?: readonly string[]
  description: string
  options?: (command: Command) => Command
  /** Pure but for files that options name. The session is for what only the server knows. */
  build(name: string, options: Options, words: string[], session: Session): KubeJson | Promise<KubeJson>
}

export type AddGenerator = (command: Command, open: () => Promise<Session>) => void

export const withCreateOptions = (command: Command): Command =>
  withValidation(withWriteOptions(command)).option('--save-config', 'remember the configuration for a later apply')

export function defineGenerator<Options>({ usage, aliases = [], description, options, build }: Generator<Options>): AddGenerator {
  return (parent, open) => {
    const command = parent.command(usage).aliases(aliases).description(description)
    options?.(command)
    withCreateOptions(command).action(async (name: string, ...rest: unknown[]) => {
      const words = Array.isArray(rest[0]) ? (rest[0] as string[]) : []
      const given = command.opts<Options & CreateOptions>()
      const session = await open()
      await createOne(session, await build(name, given, words, session), given)
    })
  }
}

/** Creates the object in its own namespace or the session's, and tells of it. */
export async function createOne(session: Session, object: KubeJson, options: CreateOptions): Promise<void> {
  const type = await session.types.ofKind(object.apiVersion, object.kind)
  const namespace = type.namespaced ? (namespaceOf(object) ?? session.namespace) : undefined
  const wanted = options.saveConfig ? (await import('../../writes/client-side-apply.ts')).withLastApplied(object) : object
  const placed = namespace ? { ...wanted, metadata: { ...wanted.metadata, namespace } } : wanted
  if (dryRunOf(options) === 'client') {
    // As kubectl: what is only printed names a namespace when the command line or the file does.
    const isPlaced = session.isNamespaceGiven || namespaceOf(object) !== undefined
    return report(session, type, isPlaced ? placed : wanted, 'created', options)
  }
  const query = { fieldManager: 'kubectl-create', fieldValidation: fieldValidationOf(options), ...dryRunQuery(options) }
  const created = await session.client.raw<KubeJson>('POST', pathOf(type, { namespace }), { body: placed, query })
  report(session, type, created, 'created', options)
}

/** The start of an object as kubectl makes it: Go prints times and statuses that nobody set. */
export const newObject = (apiVersion: string, kind: string, name: string, labels?: JsonObject): KubeJson => ({
  apiVersion,
  kind,
  metadata: { name, creationTimestamp: null, ...(labels && { labels }) },
})
