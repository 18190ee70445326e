/** `kubelab auth`: who the server takes us for, and what it lets us do. */
import type { JsonObject } from '../../api/json.ts'
import { reviewObject, rulesTable, type RulesStatus, type UserInfo, whoamiTable } from '../decisions/access-review.ts'
import type { CliCommand } from '../commands.ts'
import { CliError, SilentExit } from '../errors.ts'
import { createPrinter } from '../printers/printer.ts'
import type { Session } from '../session.ts'

interface CanIOptions {
  list?: boolean
  quiet?: boolean
  allNamespaces?: boolean
  subresource?: string
  headers: boolean
}

const REVIEWS = '/apis/authorization.k8s.io/v1'

export const auth: CliCommand = (program, open) => {
  const command = program.command('auth').description('Ask who you are and what you may do: auth whoami, auth can-i get pods')
  command
    .command('can-i [verb] [what] [name]')
    .description('Ask whether you may: auth can-i create pods --as=jane; auth can-i --list')
    .option('--list', 'everything that you may do')
    .option('-q, --quiet', 'say nothing, only end well or not')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('--subresource <name>', 'log, exec, …')
    .option('--no-headers', 'with --list: no line of column names')
    .action(async (verb: string | undefined, what: string | undefined, name: string | undefined, options: CanIOptions) => {
      if (options.list) return listRules(await open(), options)
      if (verb === undefined || what === undefined) {
        throw new CliError(
          "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubelab auth can-i -h' for help and examples.",
        )
      }
      const session = await open()
      const attributes = await attributesOf(session, verb, what, name, options)
      const body = reviewObject('SelfSubjectAccessReview', attributes)
      const { status } = await session.client.raw<{ status: { allowed: boolean; reason?: string; evaluationError?: string } }>(
        'POST',
        `${REVIEWS}/selfsubjectaccessreviews`,
        { body },
      )
      if (!options.quiet) session.print(answerOf(status))
      if (!status.allowed) throw new SilentExit('')
    })
  command
    .command('whoami')
    .description('Show who the server takes you for')
    .option('-o, --output <format>', 'yaml, json, …')
    .action(async ({ output }: { output?: string }) => {
      const { client, print } = await open()
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
      const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
      const review = await client.raw<JsonObject & { status: { userInfo: UserInfo & JsonObject } }>('POST', path, { body })
      const printer = createPrinter(output)
      print(printer ? printer(review) : whoamiTable(review.status.userInfo))
    })
}

const answerOf = ({ allowed, reason, evaluationError }: { allowed: boolean; reason?: string; evaluationError?: string }) =>
  (allowed ? 'yes' : 'no') +
  (!allowed && reason ? ` - ${reason}` : '') +
  (!allowed && evaluationError ? ` - ${evaluationError}` : '')

async function attributesOf(
  session: Session,
  verb: string,
  what: string,
  given: string | undefined,
  options: CanIOptions,
): Promise<JsonObject> {
  if (what.startsWith('/')) return { nonResourceAttributes: { path: what, verb } }
  const [typeName = '', named] = what.split('/')
  const name = given ?? named
  const { group, resource, namespaced } = await resolve(session, typeName, options.quiet ?? false)
  if (!namespaced && !options.allNamespaces && !options.quiet)
    session.note(`Warning: resource '${resource}' is not namespace scoped${group && ` in group '${group}'`}\n`)
  return {
    resourceAttributes: {
      ...(!options.allNamespaces && { namespace: session.namespace }),
      verb,
      group,
      resource,
      ...(options.subresource && { subresource: options.subresource }),
      ...(name && { name }),
    },
  }
}

async function resolve({ types, note }: Session, text: string, quiet: boolean) {
  if (text === '*') return { group: '*', resource: '*', namespaced: true }
  try {
    const { group, plural, namespaced } = await types.find(text)
    return { group, resource: plural, namespaced }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const [resource = '', ...group] = text.split('.')
    if (!quiet)
      note(
        `Warning: the server doesn't have a resource type '${resource}'${group.length > 0 ? ` in group '${group.join('.')}'` : ''}\n`,
      )
    return { group: group.join('.'), resource, namespaced: true }
  }
}

async function listRules({ client, namespace, print, note }: Session, { headers }: CanIOptions): Promise<void> {
  const body = reviewObject('SelfSubjectRulesReview', { namespace })
  const { status } = await client.raw<{ status: RulesStatus & { incomplete: boolean; evaluationError?: string } }>(
    'POST',
    `${REVIEWS}/selfsubjectrulesreviews`,
    { body },
  )
  if (status.incomplete) {
    const why = status.evaluationError ? `: ${status.evaluationError}` : ''
    note(`warning: the list may be incomplete${why}`)
  }
  print(rulesTable(status, headers))
}
