/**
 * HAProxy as a child: a master whose workers are exchanged on a reload. The master holds the listening sockets: none is refused.
 *
 * A master that is still at one reload does not hear the signal for the next. So each configuration has a number, which its
 * worker tells: the next one is written when this one serves.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { appendFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Logger } from '../../component/logger.ts'

export interface Haproxy {
  /** Checks these files, then serves by them and resolves; rejects and goes on with the old ones when the check fails. */
  apply(files: ReadonlyMap<string, string>): Promise<void>
  /** Whether it would load this certificate and key: it has rules of its own, about the size of keys for one. */
  accepts(pem: string): Promise<boolean>
  /** Rejects when HAProxy ends by itself. */
  failed: Promise<never>
  stop(): Promise<void>
}

const ASK_EVERY_MS = 20
/** In questions: a reload takes some 100 ms, and one that was not heard is asked for again. */
const SIGNAL_AGAIN_AFTER = 50
const GIVE_UP_AFTER = 1_000

export function createHaproxy(program: string, folder: string, logger: Logger): Haproxy {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  let master: ChildProcess | undefined
  let stopping = false
  let generation = 0

  /** Same text, other folder: what is checked is what is served. */
  const write = async (files: ReadonlyMap<string, string>, to: string) => {
    await mkdir(to, { recursive: true, mode: 0o700 })
    for (const [name, text] of files) {
      const file = path.join(to, name)
      await writeFile(`${file}.new`, text.replaceAll(`${folder}/`, `${to}/`), { mode: 0o600 })
      await rename(`${file}.new`, file)
    }
  }
  const start = () => {
    master = spawn(program, ['-W', '-db', '-f', path.join(folder, 'haproxy.cfg')], { stdio: ['ignore', 'inherit', 'inherit'] })
    master.on('error', reject)
    master.on('exit', (code, signal) => stopping || reject(new Error(`haproxy ended: ${signal ?? `exit code ${code}`}`)))
  }
  const untilServing = async (wanted: string) => {
    for (let asked = 1; !stopping && (await tellDescription(path.join(folder, 'admin.sock'))) !== wanted; asked++) {
      if (asked === GIVE_UP_AFTER) throw new Error('haproxy does not take its new configuration')
      if (asked % SIGNAL_AGAIN_AFTER === 0) master?.kill('SIGUSR2')
      await sleep(ASK_EVERY_MS)
    }
  }
  return {
    failed,
    async apply(files) {
      const trial = path.join(folder, 'trial')
      await write(files, trial)
      await promisify(execFile)(program, ['-c', '-q', '-f', path.join(trial, 'haproxy.cfg')])
      await rm(trial, { recursive: true })
      await write(files, folder)
      await appendFile(path.join(folder, 'haproxy.cfg'), `\nglobal\n  description ${++generation}\n`)
      if (master) master.kill('SIGUSR2')
      else start()
      await Promise.race([untilServing(String(generation)), failed])
      for (const name of await readdir(folder)) {
        if (name.endsWith('.pem') && !files.has(name)) await rm(path.join(folder, name))
      }
      logger.info('serving a new configuration')
    },
    async accepts(pem) {
      const trial = path.join(folder, 'certificate')
      const config = `frontend one\n  mode http\n  timeout client 1s\n  bind :443 ssl crt ${folder}/one.pem\n`
      await write(
        new Map([
          ['one.pem', pem],
          ['haproxy.cfg', config],
        ]),
        trial,
      )
      try {
        await promisify(execFile)(program, ['-c', '-q', '-f', path.join(trial, 'haproxy.cfg')])
        return true
      } catch (error) {
        // Whatever else went wrong says nothing about the certificate.
        if (typeof (error as { code?: unknown }).code !== 'number') throw error
        return false
      } finally {
        await rm(trial, { recursive: true })
      }
    },
    async stop() {
      stopping = true
      if (!master) return
      const ended = new Promise((resolve) => master!.once('exit', resolve))
      while (master.exitCode === null && master.signalCode === null) {
        // Lets what is open finish. Said again, as a master at a reload does not hear it.
        master.kill('SIGUSR1')
        await Promise.race([ended, sleep(1_000)])
      }
    },
  }
}

/** What the worker that answers now was started with; undefined when none answers. */
const tellDescription = (socket: string) =>
  new Promise<string | undefined>((resolve) => {
    let told = ''
    const question = connect(socket)
      .setTimeout(1_000, () => question.destroy())
      .on('data', (chunk) => (told += chunk.toString()))
      // Nobody there yet: `close` follows, and it is asked again.
      .on('error', () => {})
      .on('close', () => resolve(/^description: (.*)$/m.exec(told)?.[1]))
    question.write('show info\n')
  })
