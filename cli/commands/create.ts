/** `kubelab create`: objects from files, and the commonest kinds from options alone, a family a file in `create/`. */
import { CliError, describeError, inContext, SilentExit } from '../errors.ts'
import type { CliCommand } from '../commands.ts'
import { withFiles } from '../arguments/find-targets.ts'
import { readManifests } from '../arguments/manifests.ts'
import type { Session } from '../session.ts'
import { createClusterRole, createClusterRoleBinding, createRole, createRoleBinding } from './create/access.ts'
import { createNamespace, createServiceAccount, createToken } from './create/accounts.ts'
import { createConfigMap, createSecret } from './create/configuration.ts'
import { type AddGenerator, createOne, type CreateOptions, withCreateOptions } from './create/generator.ts'
import { createBudget, createPriorityClass, createQuota } from './create/policies.ts'
import { createIngress, createService } from './create/services.ts'
import { createCronJob, createDeployment, createJob } from './create/workloads.ts'

const GENERATORS: readonly AddGenerator[] = [
  createClusterRole,
  createClusterRoleBinding,
  createConfigMap,
  createCronJob,
  createDeployment,
  createIngress,
  createJob,
  createNamespace,
  createBudget,
  createPriorityClass,
  createQuota,
  createRole,
  createRoleBinding,
  createSecret,
  createService,
  createServiceAccount,
  createToken,
]

interface FileOptions extends CreateOptions {
  filename?: string[]
  recursive?: boolean
}

export const create: CliCommand = (program, open) => {
  const command = withCreateOptions(withFiles(program.command('create')))
    .description('Make objects: create -f web.yaml, create deployment web --image=web:1')
    // Options after the kind are the kind's.
    .enablePositionalOptions()
    .action(async (options: FileOptions) => {
      if (!options.filename) throw new CliError('must specify one of -f and -k')
      const session = await open()
      await createFromFiles(session, options.filename, options)
    })
  for (const add of GENERATORS) add(command, open)
}

async function createFromFiles(session: Session, files: string[], options: FileOptions): Promise<void> {
  const objects = await readManifests(files, session.types, { recursive: options.recursive, namespace: session.namespace })
  if (objects.length === 0) throw new CliError('no objects passed to create')
  let failed = false
  for (const { object, source } of objects) {
    try {
      await createOne(session, object, options)
    } catch (error) {
      const told = inContext(`error when creating ${JSON.stringify(source)}`, error)
      if (objects.length === 1) throw told
      session.note(describeError(told))
      failed = true
    }
  }
  if (failed) throw new SilentExit('')
}
