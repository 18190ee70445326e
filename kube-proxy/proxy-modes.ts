/** What a proxy mode can do on this machine, and what another mode has left there. */
import type { Logger } from '../component/logger.ts'
import type { ProxyMode } from './backends/backend.ts'
import { BACKENDS, PROXY_MODES } from './backends/list.ts'
import type { FamilyProxier } from './follow-changes.ts'
import type { Family } from './service-ports.ts'

/** IPv6 where the kernel has it: a node without it serves IPv4 alone. */
export async function usableFamilies(mode: ProxyMode, logger: Logger): Promise<Family[]> {
  const works = (family: Family) =>
    BACKENDS[mode]({ family })
      .probe()
      .then(
        () => true,
        (error: unknown) => {
          logger.warn('no rules for this address family', { family, error: String(error) })
          return false
        },
      )
  const families: Family[] = []
  for (const family of ['IPv4', 'IPv6'] as const) if (await works(family)) families.push(family)
  if (families.length === 0) throw new Error(`Cannot proxy: ${mode} works here neither for IPv4 nor for IPv6`)
  return families
}

/** What a proxy of another mode left goes once the rules of this one are there: services work all the time. */
export async function forgetOtherModes(mode: ProxyMode, proxiers: readonly FamilyProxier[], logger: Logger): Promise<void> {
  const others = PROXY_MODES.filter((each) => each !== mode)
  for (const { family, proxier } of proxiers) {
    await proxier.settled()
    for (const other of others) {
      await BACKENDS[other]({ family })
        .cleanUp()
        .catch((error: unknown) => logger.warn('cannot take away the rules of another mode', { other, error: String(error) }))
    }
  }
}
