import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^backplane$/, replacement: source('./sdk/index.ts') },
      { find: /^backplane\/testing$/, replacement: source('./sdk/testing/index.ts') },
      { find: /^backplane\/devices$/, replacement: source('./devices/index.ts') },
      { find: /^backplane\/machines$/, replacement: source('./machines/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/*.test.ts'],
    testTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['sdk/**/*.ts', 'devices/**/*.ts', 'machines/**/*.ts'],
      exclude: ['test/**'],
      reporter: ['text-summary'],
      thresholds: {
        lines: 97,
        branches: 90,
        // What only a process of its own can do, such as ending with a status, is tested in children, and does not count.
        'sdk/cli/**': { lines: 90, branches: 80 },
      },
    },
  },
});
