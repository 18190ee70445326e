import { defineConfig } from 'vitest/config'

/** For vitest inside a node's namespaces: `runtime.test.ts` starts it. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/kubelet/**/*.suite.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    pool: 'forks',
  },
})
