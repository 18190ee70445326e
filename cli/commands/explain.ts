/** `kubelab explain`: what a field is for, from the server's own schema. */
import type { JsonObject } from '../../api/json.ts'
import type { CliCommand } from '../commands.ts'
import { explainField } from '../decisions/explain-schema.ts'

export const explain: CliCommand = (program, open) => {
  program
    .command('explain <field>')
    .description('Tell what a type or field is for: explain deployment.spec.strategy')
    .option('--recursive', 'the names of all fields below')
    .action(async (field: string, { recursive = false }: { recursive?: boolean }) => {
      const session = await open()
      const [name = '', ...path] = field.split('.')
      const type = await session.types.find(name)
      const address = type.group ? `/openapi/v3/apis/${type.group}/${type.version}` : `/openapi/v3/api/${type.version}`
      const document = await session.client.raw<JsonObject>('GET', address, { accept: 'application/json' })
      session.print(explainField(document, type, path, recursive))
    })
}
