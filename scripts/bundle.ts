/** A program of ours as it is shipped: one file, which a start reads once and whose compiled code Node keeps on disk. */
import path from 'node:path'
import { build } from 'esbuild'

const root = path.resolve(import.meta.dirname, '..')

/** Output name to entry, of the sources as they are now. `define`: what is known only when it is built. */
export async function bundle(
  entries: Record<string, string>,
  outdir: string,
  define: Record<string, string> = {},
): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'warning',
    // CommonJS dependencies ask for `require`; and the compile cache must be on before anything else is loaded.
    banner: {
      js: "import { createRequire as __createRequire, enableCompileCache as __cache } from 'node:module'; __cache(); const require = __createRequire(import.meta.url);",
    },
    loader: { '.proto': 'text' },
    define,
  })
}
