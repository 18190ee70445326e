/** A stable hash of any JSON value, spelled in the alphabet that upstream keeps free of vowels and look-alikes. */

const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** Up to ten characters. The same value gives the same hash whatever the order of its keys. */
export function canonicalHash(value: unknown, salt = ''): string {
  const digits = String(fnv1a(canonical(value) + salt))
  return Array.from(digits, (digit) => safeAlphabet[digit.charCodeAt(0) % safeAlphabet.length]).join('')
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join()}}`
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
