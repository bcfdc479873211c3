import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchCase } from '../bench-case.ts';

const command = fileURLToPath(new URL('../../../sdk/cli/backplane', import.meta.url));

/** The command's start-up from the sources of a checkout, against that of Node with nothing to do. */
export const cases: readonly BenchCase[] = [
  { words: ['--version'], targetMilliseconds: 400 },
  { words: ['-device', 'help'], targetMilliseconds: 1200 },
].map(({ words, targetMilliseconds }) => ({
  table: 'Start-up of the command, from sources',
  name: `backplane ${words.join(' ')}`,
  targetMilliseconds,
  prepare: () => ({
    operations: 1,
    run: () => execFileSync(command, words),
    baseline: () => execFileSync(process.execPath, ['-e', '0']),
  }),
}));
