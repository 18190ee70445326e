/** What a lab records of its requests unless somebody edits the file: every write, and every read by people and pods. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'

/** Text, not data: whoever opens the file is to understand it. */
const POLICY = `# Which requests the API server records in logs/audit.log, and how much of each. The first rule that fits decides.
# Bodies of secrets and tokens are never recorded. Changes count from the next start of the API server.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
# Heartbeats and events: many, and they say nothing about who did what.
- level: None
  resources:
  - { group: coordination.k8s.io, resources: [leases] }
  - { group: "", resources: [events] }
  - { group: events.k8s.io, resources: [events] }
- level: None
  nonResourceURLs: [/healthz*, /livez*, /readyz*, /version, /openapi/*]
# Components follow the cluster by lists and watches all the time. What they read of secrets is recorded all the same.
- level: Metadata
  resources:
  - { group: "", resources: [secrets] }
- level: None
  verbs: [get, list, watch]
  userGroups: [system:nodes, "system:serviceaccounts:kube-system"]
- level: None
  verbs: [get, list, watch]
  users: [system:kube-scheduler, system:kube-controller-manager, system:kube-proxy]
- level: None
  verbs: [create]
  resources:
  - { group: authentication.k8s.io, resources: [tokenreviews] }
  - { group: authorization.k8s.io }
  userGroups: [system:nodes, "system:serviceaccounts:kube-system"]
# All else: who, what, when, the answer and the cause.
- level: Metadata
`

/** Written once; from then on it is the user's. */
export async function ensureAuditPolicy(file: string): Promise<void> {
  if (!existsSync(file)) await writeFile(file, POLICY, { mode: 0o600 })
}
