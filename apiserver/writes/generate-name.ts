/** Random ends of generated names: consonants and digits only, so that no word comes out, as upstream has it. */
import { randomBytes } from 'node:crypto'

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const LENGTH = 5
const LONGEST_BASE = 63 - LENGTH

export function generateName(base: string): string {
  const prefix = base.length > LONGEST_BASE ? base.slice(0, LONGEST_BASE) : base
  let suffix = ''
  // 27 letters do not divide 256: values beyond the last whole multiple would favour the first letters.
  while (suffix.length < LENGTH)
    for (const byte of randomBytes(8)) if (byte < 243 && suffix.length < LENGTH) suffix += ALPHABET[byte % 27]
  return prefix + suffix
}
