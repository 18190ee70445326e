/** POST to serviceaccounts/NAME/token: a signed token for the account. */
import type { AuthenticationTokenRequest } from '../../api/generated/types.ts'
import type { KubeObject } from '../../api/object.ts'
import { admissionAttributes, createAdmission } from '../admission/admission-chain.ts'
import type { ApiContext, ResourceRequest } from '../api-context.ts'
import { createToken } from '../auth/authentication/token-request.ts'
import { readBodyObject } from '../bodies/read-body-object.ts'
import { sendKind } from '../answers/respond.ts'
import { readWriteOptions } from '../writes/write-options.ts'

const GROUP = 'authentication.k8s.io'

export async function issueToken(context: ApiContext, request: ResourceRequest): Promise<void> {
  const { info } = request
  const { dryRun } = readWriteOptions(request, 'CreateOptions')
  const asked = await readBodyObject<AuthenticationTokenRequest>(
    request,
    GROUP,
    'v1',
    'TokenRequest',
    'AuthenticationTokenRequest',
  )
  const attributes = {
    ...admissionAttributes(request, 'CREATE', dryRun, asked as KubeObject, undefined),
    kind: 'TokenRequest',
    name: info.name,
  }
  const admission = createAdmission(context, attributes)
  await admission.admit()
  await admission.validate()
  // The account, or the pod that the token is bound to, may be a moment old.
  await context.store.current()
  const answer = await createToken({ namespace: info.namespace, name: info.name }, asked, {
    reader: context.admission.reader,
    tokens: context.tokens,
    dryRun,
    now: context.now,
  })
  await sendKind(request, 201, answer)
}
