import { describe, expect, it } from 'vitest';
import { needs } from '../needs.ts';
import { type SeenTest, type SkipRules, summarizeSkips } from '../skip-summary.ts';

const rules: SkipRules = { filter: '', descriptions: { qemu: 'Needs an installed QEMU.' }, isStrict: false };
const passed: SeenTest = { isSkipped: false, tags: [], reason: undefined };

/** A test that needs something which is missing, or which is there. */
function needing(missing: string | undefined): SeenTest {
  const { tags, skip, meta } = needs('qemu', missing);
  return { isSkipped: skip, tags: [tags].flat(), reason: meta.skipped };
}

describe('the end of a run', () => {
  it('counts skipped tests by the reason that they give, the most frequent first', () => {
    const tests = [passed, needing('no disk.'), needing('no QEMU.'), needing('no QEMU.'), needing(undefined)];
    const { text, missing } = summarizeSkips(tests, rules);
    expect(text).toBe('Skipped 3 of 5 tests:\n      2  no QEMU.\n      1  no disk.');
    expect(missing).toBe(0);
  });

  it('says that none was skipped', () => {
    expect(summarizeSkips([passed, needing(undefined)], { ...rules, isStrict: true })).toEqual({
      text: 'Skipped 0 of 2 tests.',
      missing: 0,
    });
  });

  it('counts what the tags of the command leave out as that, whether it is missing or not', () => {
    const filter = 'not browser and not qemu';
    const leftOut = { ...needing(undefined), isSkipped: true };
    const { text, missing } = summarizeSkips([needing('no QEMU.'), leftOut], { ...rules, filter, isStrict: true });
    expect(text).toBe("Skipped 2 of 2 tests:\n      2  left out by the tag 'qemu': Needs an installed QEMU.");
    expect(missing).toBe(0);
  });

  it('gives the reason of a test whose tag the command does not name', () => {
    const { text, missing } = summarizeSkips([needing('no QEMU.')], {
      ...rules,
      filter: 'not browser',
      isStrict: true,
    });
    expect(text).toContain('1  no QEMU.');
    expect(missing).toBe(1);
  });

  it('fails where every test is required and one is missing, and where one gives no reason', () => {
    const { text, missing } = summarizeSkips([needing('no QEMU.'), { ...passed, isSkipped: true }], {
      ...rules,
      isStrict: true,
    });
    expect(missing).toBe(2);
    expect(text).toContain('1  no reason is given');
    expect(text).toContain('REQUIRE_ALL_TESTS is set, and 2 of them had to run.');
  });
});
