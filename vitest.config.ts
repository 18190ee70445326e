import { defineConfig } from 'vitest/config'

/** On a shared CI machine a system test may be given a second try: the report marks each that took one. */
export const retry = Number(process.env.KUBELAB_TEST_RETRY ?? 0)

export default defineConfig({
  test: {
    projects: [
      {
        // Beside the sources: pure, no network but loopback, no containers.
        test: {
          name: 'unit',
          include: [
            '{api,component,client,apiserver,scheduler,controller-manager,kubelet,kube-proxy,addons,cli,lab}/**/*.test.ts',
            'test/architecture.test.ts',
          ],
          // For machines with forty times the work they can do: a test that hangs is found, a slow one is not a failure.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          setupFiles: ['test/compile-cache.ts'],
          // Pure tests share nothing that could be left behind: a process per core for all files is three times as fast.
          isolate: false,
          maxWorkers: '100%',
          // Node runs the sources as they are, as it does in development: no second transform, no second loader.
          experimental: { viteModuleRunner: false },
        },
      },
      {
        // Real etcd, real processes, real containers. One file at a time: they measure time against a shared machine.
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/architecture.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          retry,
          fileParallelism: false,
          setupFiles: ['test/compile-cache.ts'],
          experimental: { viteModuleRunner: false },
        },
      },
    ],
  },
})
