/** GET /logs/…: the files under the node's `/var/log`, and lists of its folders. */
import { createReadStream } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'

const notFound = '404 page not found\n'

/** `name` is what follows `/logs` in the path. Nothing outside of `root` is ever shown, whatever links lie in it. */
export async function serveSystemLogs(
  root: string,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = () => {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end(notFound)
  }
  const [base, file] = await Promise.all([realpath(root), realpath(path.join(root, path.posix.join('/', name)))]).catch(() => [])
  if (!base || !file || (file !== base && !file.startsWith(`${base}/`))) return refuse()
  const stats = await stat(file)
  if (stats.isDirectory()) {
    // Links in a list are relative: without the slash they would lead to the folder above.
    if (!name.endsWith('/')) return void response.writeHead(301, { location: `${path.posix.basename(name) || 'logs'}/` }).end()
    return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(await renderFolder(file))
  }
  if (!stats.isFile()) return refuse()
  response.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': stats.size,
    'last-modified': stats.mtime.toUTCString(),
  })
  if (request.method === 'HEAD' || stats.size === 0) return void response.end()
  // A log that grows meanwhile is shown up to the length that was promised.
  await pipeline(createReadStream(file, { end: stats.size - 1 }), response)
}

async function renderFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`).toSorted()
  return `<pre>\n${names.map((name) => `<a href="${encodeURI(name)}">${escapeHtml(name)}</a>\n`).join('')}</pre>\n`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter)
