import { fuzzCommand } from './command.ts';
import { fuzzInbox } from './inbox.ts';

await fuzzCommand({
  name: 'fuzz:inbox',
  description: `Records runs, damages or forges their recordings and replays them, and lets transports of back ends say what they like. Each case ends in
a replay or in a refusal with a code: nothing else is thrown, nothing hangs, and the heap stays flat.`,
  warmUp: 200,
  mostGrowth: 64 * 2 ** 20,
  run: fuzzInbox,
  summary: ({ replayed, refused }) => `${replayed} replayed, ${refused} refused`,
});
