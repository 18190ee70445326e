/** PEM files, with the file's name in the error when one cannot be used. */
import { readFileSync } from 'node:fs'
import { messageOf } from '../api/error-message.ts'

export function readPem(path: string, what: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`Cannot read ${what} ${path}: ${messageOf(error)}`, { cause: error })
  }
  if (!text.includes('-----BEGIN ')) throw new Error(`Cannot use ${what} ${path}: it holds no PEM block`)
  return text
}
