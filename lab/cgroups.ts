/** Takes a lab's cgroups away, in every hierarchy, deepest first. The kubelets make them. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import type { LabDefinition } from './definition.ts'

const ROOT = '/sys/fs/cgroup'

export function removeCgroups(lab: LabDefinition): void {
  // Version 2 has one hierarchy at the root; version 1 has one a controller below it.
  const hierarchies = [
    ROOT,
    ...readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.join(ROOT, entry.name)),
  ]
  for (const hierarchy of hierarchies) {
    const mine = path.join(hierarchy, 'kubelab', lab.name)
    if (!existsSync(mine)) continue
    removeTree(mine)
    const parent = path.dirname(mine)
    if (readdirSync(parent, { withFileTypes: true }).every((entry) => !entry.isDirectory())) rmdirSync(parent)
  }
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(path.join(folder, entry.name))
  }
  rmdirSync(folder)
}
