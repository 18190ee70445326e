/** `kubelab certs`: the certificates of a lab and how long they last; `kubelab certs renew` makes them anew. */
import { readFile } from 'node:fs/promises'
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { planCertificates } from '../certificate-plan.ts'
import { certificateFiles } from '../certificates.ts'
import { callControl, findStatus } from '../control.ts'
import { type LabDefinition, labPaths } from '../definition.ts'
import { pkiOptions, renewFiles, type RenewalOutcome } from '../renewal.ts'
import { mergeContext } from '../user-kubeconfig.ts'
import { DEFAULT_LAB, type LabCommand, readDefinition, requireRoot, table } from './lab-command.ts'

export const certs: LabCommand = (program) => {
  const group = program.command('certs').description('Show the certificates of a lab and when they expire')
  group
    .option('--lab <name>', 'name of the lab', DEFAULT_LAB)
    .option('-o, --output <format>', 'json for machines')
    .action(async ({ lab, output }: { lab: string; output?: string }) => {
      requireRoot()
      const found = await readCertificates(readDefinition(lab))
      if (output === 'json') return console.log(JSON.stringify(found, null, 2))
      const now = Date.now()
      const rows = found.map(({ name, subject, expires, signedBy }) => [name, subject, expires, left(expires, now), signedBy])
      console.log(table(['CERTIFICATE', 'SUBJECT', 'EXPIRES', 'LEFT', 'SIGNED BY'], rows).trimEnd())
    })
  group
    .command('renew [names...]')
    .description('make certificates anew, all or those named, and start what uses them again, once; authorities stay')
    .option('--lab <name>', `name of the lab (default: "${DEFAULT_LAB}")`)
    .action(renew)
}

async function renew(names: readonly string[], options: { lab?: string }, command: Command): Promise<void> {
  // Before or after `renew`: both are said.
  const { lab = DEFAULT_LAB } = { ...command.parent?.opts<{ lab?: string }>(), ...options }
  requireRoot()
  const definition = readDefinition(lab)
  const running = await findStatus(lab)
  const { renewed, restarted } = running ? await renewRunning(lab, names) : await renewStopped(definition, names)
  if (renewed.includes('admin')) await mergeContext(lab, await readFile(labPaths(lab).adminKubeconfig, 'utf8'))
  for (const name of renewed) console.log(`certificate/${name} renewed`)
  for (const name of restarted) console.log(`process/${name} restarted`)
}

const renewRunning = (lab: string, names: readonly string[]) =>
  callControl(lab, 'POST', `/certificates/${names.map(encodeURIComponent).join(',')}`) as Promise<RenewalOutcome>

const renewStopped = async (lab: LabDefinition, names: readonly string[]): Promise<RenewalOutcome> => ({
  renewed: (await renewFiles(lab, names)).pki.renewed,
  restarted: [],
})

interface FoundCertificate {
  name: string
  subject: string
  /** `2027-11-21T11:15:26Z` */
  expires: string
  signedBy: string
}

/** Those of the lab's own authorities, and those that kubelets got by asking. */
async function readCertificates(lab: LabDefinition): Promise<FoundCertificate[]> {
  const { pki, node: nodePaths } = labPaths(lab.name)
  const own = planCertificates(pkiOptions(lab)).map(({ file }) => ({
    name: file,
    path: certificateFiles(pki, file).certificate,
  }))
  const requested = lab.nodes.flatMap((node) =>
    ['kubelet-client', 'kubelet-server'].map((file) => ({
      name: `nodes/${node}/${file}-current`,
      path: path.join(nodePaths(node).kubelet, 'pki', `${file}-current.pem`),
    })),
  )
  const there = [...own, ...requested].filter((one) => existsSync(one.path))
  return Promise.all(
    there.map(async ({ name, path: file }) => {
      const certificate = new X509Certificate(await readFile(file))
      const { subject, issuer, validToDate } = certificate
      const expires = validToDate.toISOString().replace(/\.\d+Z$/, 'Z')
      return { name, subject: subject.split('\n').join(','), expires, signedBy: /CN=(.*)/.exec(issuer)?.[1] ?? issuer }
    }),
  )
}

function left(expires: string, now: number): string {
  const hours = Math.floor((Date.parse(expires) - now) / 3_600_000)
  if (hours < 0) return 'expired'
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`
}
