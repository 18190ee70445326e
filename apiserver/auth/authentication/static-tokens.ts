/** `--token-auth-file`: lines of `token,user,uid,"group1,group2"`. */
import { hash } from 'node:crypto'
import type { UserInfo } from '../user.ts'

/** Throws on a line that names nobody: a file that is half understood must not let anybody in. */
export function parseStaticTokens(text: string): (token: string) => UserInfo | undefined {
  const users = new Map<string, UserInfo>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [token, username, uid, groups = ''] = parseCsvLine(line)
    if (!token || !username || uid === undefined) {
      throw new Error(`Cannot read the token file: line ${index + 1} does not hold token, user and uid`)
    }
    users.set(digest(token), {
      username,
      ...(uid && { uid }),
      groups: groups
        .split(',')
        .map((group) => group.trim())
        .filter((group) => group !== ''),
    })
  }
  return (token) => users.get(digest(token))
}

/** Looked up by hash, so that the time a comparison takes says nothing about the token. */
const digest = (token: string): string => hash('sha256', token, 'base64')

function parseCsvLine(line: string): string[] {
  const fields = line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)
  return [...fields]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '')
    .slice(0, line.split(',').length)
}
