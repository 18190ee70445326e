/** Times a lab from nothing to all nodes Ready and sums the memory of its processes. Run as root: `node bench/lab.ts [--nodes 3]`. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '3' }, runs: { type: 'string', default: '3' } } })
const kubelab = path.resolve(import.meta.dirname, '..', 'bin', 'kubelab')
const folder = mkdtempSync(path.join(tmpdir(), 'kubelab-bench-'))
const call = (...words: string[]) =>
  execFileSync(kubelab, [...words, '--lab', 'bench'], {
    encoding: 'utf8',
    env: { ...process.env, KUBECONFIG: path.join(folder, 'config') },
  })

/** Proportional set size: shared pages of Node and its code counted once among those that share them. */
function memoryOf(pid: number): { rss: number; pss: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) / 1024
  return { rss: field('Rss'), pss: field('Pss') }
}

function innerPid(pid: number): number {
  if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'nsenter') return pid
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

const times: number[] = []
try {
  for (let index = 0; index < Number(values.runs); index++) {
    const began = performance.now()
    call('up', '--nodes', values.nodes)
    times.push((performance.now() - began) / 1000)
    if (index < Number(values.runs) - 1) call('delete')
  }
  const { processes } = JSON.parse(call('status', '-o', 'json')) as { processes: { name: string; pid?: number }[] }
  const rows = processes.filter(({ pid }) => pid).map(({ name, pid }) => ({ name, ...memoryOf(innerPid(pid!)) }))
  for (const { name, rss, pss } of rows)
    console.log(`${name.padEnd(28)} rss ${rss.toFixed(0).padStart(5)} MB   pss ${pss.toFixed(0).padStart(5)} MB`)
  const sum = (pick: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + pick(row), 0)
  console.log(
    `all processes                rss ${sum((row) => row.rss)
      .toFixed(0)
      .padStart(5)} MB   pss ${sum((row) => row.pss)
      .toFixed(0)
      .padStart(5)} MB`,
  )
  console.log(`up with ${values.nodes} nodes, seconds: ${times.map((time) => time.toFixed(2)).join(', ')}`)
} finally {
  call('delete')
  rmSync(folder, { recursive: true })
}
