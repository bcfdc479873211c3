import { fuzzCommand } from './command.ts';
import { fuzzServe } from './serve.ts';

await fuzzCommand({
  name: 'fuzz:serve',
  description: `Hostile clients of a served device: damaged messages, in pieces and out of order, with descriptors where none belong. No error comes out,
each descriptor is given back, the device answers the next client, and the heap stays flat.`,
  warmUp: 100,
  mostGrowth: 16 * 2 ** 20,
  run: fuzzServe,
  summary: ({ answered, ended }) => `${answered} answers, ${ended} sessions ended`,
});
