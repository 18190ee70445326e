/** `kubelab certificate`: say yes or no to requests for certificates. */
import type { CertificateSigningRequest } from '../../api/generated/types.ts'
import { formatTime } from '../../api/time.ts'
import { isConflict } from '../../api/status.ts'
import type { CliCommand } from '../commands.ts'
import { CliError } from '../errors.ts'
import { findTargets, pathOfTarget, type Target, withFiles } from '../arguments/find-targets.ts'
import { qualifiedSingular } from '../arguments/resource-types.ts'
import type { Session } from '../session.ts'

interface Options {
  filename?: string[]
  force?: boolean
}

interface Verdict {
  verb: 'approve' | 'deny'
  condition: 'Approved' | 'Denied'
  opposite: 'Approved' | 'Denied'
  done: string
}

const VERDICTS: readonly Verdict[] = [
  { verb: 'approve', condition: 'Approved', opposite: 'Denied', done: 'approved' },
  { verb: 'deny', condition: 'Denied', opposite: 'Approved', done: 'denied' },
]

export const certificate: CliCommand = (program, open) => {
  const command = program.command('certificate').description('Decide on requests for certificates: certificate approve jane')
  for (const verdict of VERDICTS) {
    const { verb } = verdict
    withFiles(command.command(`${verb} [names...]`))
      .description(`${verb === 'approve' ? 'Approve' : 'Deny'} a request: certificate ${verb} jane`)
      .option('--force', 'even when it was decided already')
      .action(async (names: string[], options: Options) => {
        if (names.length === 0 && !options.filename)
          throw new CliError('one or more CSRs must be specified as <name> or -f <filename>')
        const session = await open()
        const args = ['certificatesigningrequests.certificates.k8s.io', ...names.map((name) => name.replace(/^.*\//, ''))]
        for (const target of await findTargets(session, args, options))
          await decide(session, target, verdict, options.force ?? false)
      })
  }
}

const MAXIMUM_ATTEMPTS = 10

async function decide(session: Session, target: Target, verdict: Verdict, force: boolean): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const request = await session.client.raw<CertificateSigningRequest>('GET', pathOfTarget(target))
    const changed = withCondition(request, verdict, force)
    try {
      if (changed) await session.client.raw('PUT', pathOfTarget(target, 'approval'), { body: changed })
      return session.print(`${qualifiedSingular(target.type)}/${target.name} ${verdict.done}`)
    } catch (error) {
      if (!isConflict(error) || attempt === MAXIMUM_ATTEMPTS) throw error
    }
  }
}

/** Pure. Undefined when it was decided so already. */
export function withCondition(
  request: CertificateSigningRequest,
  { condition, opposite, verb }: Verdict,
  force: boolean,
): CertificateSigningRequest | undefined {
  const conditions = request.status?.conditions ?? []
  if (conditions.some(({ type }) => type === opposite))
    throw new CliError(`certificate signing request ${JSON.stringify(request.metadata.name)} is already ${opposite}`)
  if (conditions.some(({ type }) => type === condition) && !force) return undefined
  const decision = {
    type: condition,
    status: 'True',
    reason: verb === 'approve' ? 'KubectlApprove' : 'KubectlDeny',
    message: `This CSR was ${condition.toLowerCase()} by kubectl certificate ${verb}.`,
    lastUpdateTime: formatTime(new Date()),
  }
  return {
    ...request,
    status: { ...request.status, conditions: [...conditions.filter(({ type }) => type !== condition), decision] },
  }
}
