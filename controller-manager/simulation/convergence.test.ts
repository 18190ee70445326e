/**
 * Convergence: from any state, through late watches, conflicts, lost answers, restarts and people who change their minds, all
 * controllers together come to rest where the objects say; and at rest none of them writes, a newly started one neither.
 */
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseFlags } from '../../component/flags.ts'
import { silentLogger as logger } from '../../component/logger.ts'
import { createMetrics } from '../../component/metrics.ts'
import { createSelfSigned } from '../../component/self-signed.ts'
import { CONTROLLERS } from '../controllers.ts'
import { FLAGS, type ControllerManagerFlags } from '../flags.ts'
import { runControllers } from '../run-controllers.ts'
import { createSimulation, type Simulation } from './simulation.ts'
import { disturb, incidents } from './disturbances.ts'
import { expectRest } from './expect-rest.ts'
import { populate } from './population.ts'

/** It answers questions and keeps nothing in shape. */
const elsewhere = ['metrics-api']

const minutes = (count: number) => count * 60_000

let folder: string

let flags: ControllerManagerFlags

let certificateRequest: string

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kubelab-convergence-'))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text)
    return path.join(folder, name)
  }
  const authority = await createSelfSigned('ca', [], [])
  certificateRequest = await requestCertificate('node-0')
  flags = parseFlags(FLAGS, [
    '--cluster-cidr=10.244.0.0/16',
    '--lb-cidr=172.18.255.0/24',
    `--root-ca-file=${file('ca.crt', authority.cert)}`,
    `--cluster-signing-cert-file=${file('ca.crt', authority.cert)}`,
    `--cluster-signing-key-file=${file('ca.key', authority.key)}`,
    '--legacy-service-account-token-clean-up-period=720h',
    `--service-account-private-key-file=${file('sa.key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())}`,
  ]).flags
})

afterAll(() => rmSync(folder, { recursive: true }))

interface Manager {
  kill(): Promise<void>
}

/** As a kubelet asks for its first certificate. */
async function requestCertificate(node: string): Promise<string> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${node}`] }],
    keys,
    signingAlgorithm: algorithm,
  })
  return Buffer.from(request.toString('pem')).toString('base64')
}

function startManager({ clientFor, clock }: Simulation): Manager {
  const stop = new AbortController()
  const metrics = createMetrics({ processMetrics: false })
  const finished = runControllers({ client: clientFor('monitors'), clientFor, clock, logger, metrics, flags }, stop.signal)
  return {
    async kill() {
      stop.abort()
      // Whatever waits for its time is let go of.
      for (let step = 0; step < 20; step++) await clock.advance(1000)
      await finished
    },
  }
}

/** The same few seeds each time; `PROPERTY_RUNS=10` takes ten times as many new ones. */
const more = process.env.PROPERTY_RUNS

const parameters = { numRuns: 2 * Number(more ?? 1), ...(more ? {} : { seed: 42 }), endOnFailure: true }

test(
  'all controllers come to rest from any state, and at rest write nothing',
  { timeout: 300_000 * Number(more ?? 1) },
  async () => {
    const writers = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const simulation = createSimulation(seed)
        await populate(simulation, certificateRequest)
        let manager = startManager(simulation)
        for (let round = 0; round < 60; round++) {
          await simulation.pass(1000)
          await incidents[round]?.(simulation.server)
          if (simulation.random.chance(0.4)) await disturb(simulation)
          if (round === 30) {
            await manager.kill()
            manager = startManager(simulation)
          }
        }
        simulation.faulty = false
        await simulation.pass(minutes(2))
        await simulation.pass(minutes(65), 20_000)
        await expectRest(simulation)
        const before = simulation.writes.length
        await simulation.pass(minutes(20), 20_000)
        expect(simulation.writes.slice(before)).toEqual([])
        await manager.kill()
        manager = startManager(simulation)
        await simulation.pass(minutes(20), 20_000)
        expect(simulation.writes.slice(before)).toEqual([])
        await manager.kill()
        for (const { by } of simulation.writes) writers.add(by)
      }),
      parameters,
    )
    // Who had nothing to do here has shown nothing.
    expect(CONTROLLERS.map(({ name }) => name).filter((name) => !writers.has(name))).toEqual(elsewhere)
  },
)
