/** Names of users in header lines: Node shows every byte of a header as a character of its own, and what the bytes mean is UTF-8. */

export const toHeader = (text: string): string => Buffer.from(text).toString('latin1')

export function fromHeader(value: string): string {
  if (!/[\x80-\xff]/.test(value)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    // As it came: no two names become one.
    return value
  }
}
