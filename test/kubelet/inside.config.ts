import { defineConfig } from 'vitest/config'
import { retry } from '../../vitest.config.ts'

/** For vitest inside a node's namespaces: `runtime.test.ts` starts it. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/kubelet/**/*.suite.ts'],
    // Machines are shared and slow at times: what is waited for comes, or the product is wrong.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    retry,
    expect: { poll: { timeout: 120_000 } },
    fileParallelism: false,
    setupFiles: ['test/compile-cache.ts'],
    experimental: { viteModuleRunner: false },
    pool: 'forks',
  },
})
