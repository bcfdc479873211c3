import { describe, expect, it } from 'vitest';
import { runWayOut } from '../real-kvm/ways-out.ts';
import { waysOut } from '../real-kvm/ways-out-children.ts';

const names = Object.keys(waysOut).filter((name) => waysOut[name]!.anywhere === true);

// The others need a real KVM: `npm run real-kvm -- ways-out`.
describe('a process that cannot use the KVM of its host ends with one sentence', () => {
  it.each(names)('%s', { tags: 'slow' }, async (name) => {
    expect((await runWayOut(name, undefined, ['--import', 'tsx'])).wrong).toBeUndefined();
  });

  it('in each of the ways that need no KVM', () => {
    expect(names).toEqual(['no koffi', 'koffi of another version']);
  });
});
