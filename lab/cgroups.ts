/** A lab's cgroups, in every hierarchy of the machine: those of nodes whose kubelet is not ours are made, all are taken away. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { cgroupOf, type LabDefinition } from './definition.ts'

const ROOT = '/sys/fs/cgroup'

/** What a kubelet is told as its `--cgroup-root`, with every controller that there is. */
export function createCgroups(lab: LabDefinition, node: string, root = ROOT): void {
  for (const hierarchy of hierarchiesOf(root)) {
    let folder = hierarchy
    for (const name of cgroupOf(lab, node).split('/').filter(Boolean)) {
      handOnControllers(folder)
      folder = path.join(folder, name)
      mkdirSync(folder, { recursive: true })
    }
  }
}

/** Deepest first. */
export function removeCgroups(lab: LabDefinition): void {
  for (const hierarchy of hierarchiesOf(ROOT)) {
    const mine = path.join(hierarchy, 'kubelab', lab.name)
    if (!existsSync(mine)) continue
    removeTree(mine)
    const parent = path.dirname(mine)
    if (readdirSync(parent, { withFileTypes: true }).every((entry) => !entry.isDirectory())) rmdirSync(parent)
  }
}

/** Version 2 has one hierarchy, at the root; version 1 has one a controller, below it. */
function hierarchiesOf(root: string): string[] {
  if (existsSync(path.join(root, 'cgroup.controllers'))) return [root]
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(root, entry.name))
}

/** In version 2 a cgroup has the controllers that its parent lets it have. */
function handOnControllers(folder: string): void {
  const file = path.join(folder, 'cgroup.controllers')
  const controllers = existsSync(file) ? readFileSync(file, 'utf8').split(/\s+/).filter(Boolean) : []
  if (controllers.length === 0) return
  writeFileSync(path.join(folder, 'cgroup.subtree_control'), controllers.map((controller) => `+${controller}`).join(' '))
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(path.join(folder, entry.name))
  }
  rmdirSync(folder)
}
