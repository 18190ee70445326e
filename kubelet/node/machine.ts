/** What this machine is, read once. */
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, networkInterfaces, release, totalmem } from 'node:os'
import { type MachineFacts, toGoArchitecture } from './node-status.ts'

export function readMachine(rootDirectory: string): MachineFacts {
  const disk = statfsSync(rootDirectory)
  return {
    architecture: toGoArchitecture(process.arch),
    bootId: readFirst('/proc/sys/kernel/random/boot_id'),
    machineId: readFirst('/etc/machine-id', '/var/lib/dbus/machine-id'),
    systemUuid: readFirst('/sys/class/dmi/id/product_uuid', '/etc/machine-id'),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(readFirst('/etc/os-release', '/usr/lib/os-release'))?.[1] ?? 'Linux',
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    hugePages: readHugePages(),
    appArmor: readFirst('/sys/module/apparmor/parameters/enabled') === 'Y',
  }
}

/** How many bytes of pages of each size the kernel has set aside: `2Mi` and `1Gi`, where the machine knows them. */
function readHugePages(): Record<string, number> {
  const folder = '/sys/kernel/mm/hugepages'
  const names = existsSync(folder) ? readdirSync(folder) : []
  return Object.fromEntries(
    names.flatMap((name) => {
      const kib = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0)
      if (!kib) return []
      const size = kib >= 1 << 20 ? `${kib / (1 << 20)}Gi` : `${kib / 1024}Mi`
      return [[size, Number(readFirst(`${folder}/${name}/nr_hugepages`)) * kib * 1024]]
    }),
  )
}

function readFirst(...files: string[]): string {
  for (const file of files) {
    try {
      const text = readFileSync(file, 'utf8').trim()
      if (text) return text
    } catch {
      // Not every machine has each of these; the next one may do.
    }
  }
  return ''
}

/** The first address that others can reach. */
export function findNodeIps(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => address)
    .slice(0, 1)
}
