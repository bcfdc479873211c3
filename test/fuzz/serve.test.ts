import { describe, expect, it } from 'vitest';
import { times } from '../depth.ts';
import { fuzzServe } from './serve.ts';

describe('hostile clients of a served device', () => {
  it('throw nothing through it, get their descriptors back, and leave it to the next client', async () => {
    const most = times(100, 2000);
    const { problem, answered, ended } = await fuzzServe({ seed: 1, until: (cases) => cases >= most });
    expect(problem).toBeUndefined();
    expect(answered).toBeGreaterThan(most);
    expect(ended).toBeGreaterThan(most / 4);
  });
});
