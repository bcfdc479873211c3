import { describe, expect, it } from 'vitest';
import { fuzzInbox } from './inbox.ts';

// A few seconds; a minute in CI, and ten by npm run fuzz:inbox -- --seconds 600.
describe('damaged and forged recordings, and transports that keep no rule', () => {
  it('end in a replay or in a refusal with a code', async () => {
    const { problem, replayed, refused } = await fuzzInbox({ until: (cases) => cases >= 120, seed: 1 });
    expect(problem).toBeUndefined();
    expect(Math.min(replayed, refused)).toBeGreaterThan(10);
  });
});
