/** A test process keeps what Node compiled of the sources, types taken away, for the next one: an import costs a third. */
import { enableCompileCache, flushCompileCache } from 'node:module'
import path from 'node:path'

enableCompileCache(path.join(import.meta.dirname, '../node_modules/.cache/compiled'))
// Node writes the cache as it leaves; vitest ends its workers by a signal.
process.once('SIGTERM', () => {
  flushCompileCache()
  process.exit()
})
