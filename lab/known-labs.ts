/** The labs of this machine, by their definitions on disk; a lab that is made has an address range that no other has. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { apiServerUrl, definitionFile, type LabDefinition, stateRoot } from './definition.ts'
import { interfaceIn, type Interfaces } from './taken-ranges.ts'

const MOST_LABS = 250

/** Of every lab, running or not. */
export const labNames = (root = stateRoot): string[] =>
  (existsSync(root) ? readdirSync(root) : []).filter((name) => existsSync(definitionFile(name, root)))

/** Undefined for a lab that was never brought up, or deleted. */
export function findLab(name: string, root = stateRoot): LabDefinition | undefined {
  const file = definitionFile(name, root)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LabDefinition) : undefined
}

/** The lab with this API server; undefined too for who may not read of labs. */
export function labServedAt(url: string, root = stateRoot): string | undefined {
  try {
    return labNames(root).find((name) => apiServerUrl(findLab(name, root)!) === url)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined
    throw error
  }
}

/** Whoever reads meanwhile finds the definition as it was or as it is, never half of it. */
export async function saveLab(lab: LabDefinition, root = stateRoot): Promise<void> {
  const file = definitionFile(lab.name, root)
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, `${JSON.stringify(lab, null, 2)}\n`)
  await rename(`${file}.new`, file)
}

/** The lab of that name as it is; or a new one, as `define` makes it of the lowest index that is free. */
export function findOrMakeLab(
  name: string,
  define: (index: number) => LabDefinition,
  root = stateRoot,
  interfaces: Interfaces = networkInterfaces(),
): Promise<LabDefinition> {
  return alone(root, async () => {
    const found = findLab(name, root)
    if (found) return found
    const lab = define(freeIndex(root, interfaces))
    await saveLab(lab, root)
    return lab
  })
}

/** The lowest /24 that no other lab has, nor another network of this machine. */
function freeIndex(root: string, interfaces: Interfaces): number {
  const taken = new Set(labNames(root).map((name) => findLab(name, root)?.index))
  const free = Array.from({ length: MOST_LABS }, (_, index) => index).find(
    (index) => !taken.has(index) && !interfaceIn(index, interfaces),
  )
  if (free === undefined) throw new Error(`Cannot make another lab: all ${MOST_LABS} address ranges are taken`)
  return free
}

/**
 * Nobody else on this machine is in here at the same time. The lock is the folder's own: `flock` takes it through a file that this
 * process holds open, so the kernel gives it back when that is closed, by whatever end.
 */
async function alone<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const held = await open(folder)
  try {
    const [code] = await once(spawn('flock', ['3'], { stdio: ['ignore', 'ignore', 'inherit', held.fd] }), 'close')
    if (code !== 0) throw new Error(`Cannot lock ${folder}: flock ended with ${code}`)
    return await work()
  } finally {
    await held.close()
  }
}
