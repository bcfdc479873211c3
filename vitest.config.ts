import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { isThorough } from './test/depth.ts';
import { LongestFirst } from './test/longest-first.ts';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Milliseconds. What repeats itself more often takes longer, and the more where each branch is counted. */
const LongestTest = isThorough ? 900_000 : 180_000;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^backplane$/, replacement: source('./sdk/index.ts') },
      { find: /^backplane\/runtime$/, replacement: source('./sdk/runtime.ts') },
      { find: /^backplane\/pci$/, replacement: source('./sdk/pci.ts') },
      { find: /^backplane\/bus$/, replacement: source('./sdk/bus.ts') },
      { find: /^backplane\/i2c$/, replacement: source('./sdk/i2c.ts') },
      { find: /^backplane\/spi$/, replacement: source('./sdk/spi.ts') },
      { find: /^backplane\/x86$/, replacement: source('./sdk/x86.ts') },
      { find: /^backplane\/virtio$/, replacement: source('./sdk/virtio.ts') },
      { find: /^backplane\/backend$/, replacement: source('./sdk/backend.ts') },
      { find: /^backplane\/assembler$/, replacement: source('./sdk/assembler.ts') },
      { find: /^backplane\/testing$/, replacement: source('./sdk/testing/index.ts') },
      { find: /^backplane\/testing\/qemu$/, replacement: source('./sdk/testing/qemu/index.ts') },
      { find: /^backplane\/node$/, replacement: source('./sdk/cli/node.ts') },
      { find: /^backplane\/devices$/, replacement: source('./devices/index.ts') },
      { find: /^backplane\/machines$/, replacement: source('./machines/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/*.test.ts'],
    // The limit only ends a test that hangs: machines are slow and busy, and how long a test takes is no claim of it.
    testTimeout: LongestTest,
    hookTimeout: LongestTest,
    // The SDK keeps nothing in its modules, so the files of a worker share them: that halves the time of the tests.
    isolate: false,
    maxWorkers: availableParallelism(),
    // glibc gives memory of this size back when it is freed. It keeps the freed RAM of guests otherwise, and a worker of several
    // gigabytes starts processes slowly.
    env: { MALLOC_MMAP_THRESHOLD_: `${256 * 1024}` },
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/skip-summary.ts'],
    // `npm test` leaves these out, `npm run test:all` and .ci/run do not. test/needs.ts gives them.
    tags: [
      { name: 'browser', description: 'Needs Chromium.' },
      { name: 'package', description: 'Packs or installs the package, or runs all that the README prints.' },
      { name: 'qemu', description: 'Needs an installed QEMU.' },
      {
        name: 'slow',
        description: 'Judges the conformance suite, runs guides, or starts many processes: seconds each.',
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['sdk/**/*.ts', 'devices/**/*.ts', 'machines/**/*.ts'],
      // What only a real KVM executes is executed there, by `npm run real-kvm`, in machines where nothing is counted.
      exclude: ['test/**', 'sdk/host-kvm/{guest-placement,recorded-time,recording-play}.ts'],
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
