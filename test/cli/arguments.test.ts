import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '../../sdk/base/text.ts';
import { parseArguments } from '../../sdk/cli/command.ts';
import { parseKeyValues } from '../../sdk/cli/options/settings.ts';
import { expectRefusal } from '../refusal.ts';

const syntax = { machine: 'MACHINE', accel: 'ACCEL', compare: true } as const;

describe('the command line', () => {
  it('takes long options with one dash or two, their values behind a space or an equals sign', () => {
    const ways = [
      ['-machine', 'pc', 'boot'],
      ['--machine', 'pc', 'boot'],
      ['-machine=pc', 'boot'],
      ['boot', '--machine=pc'],
    ];
    for (const words of ways) {
      const parsed = parseArguments(words, syntax);
      expect(parsed.value('machine')).toBe('pc');
      expect(parsed.positional).toEqual(['boot']);
      expect(parsed.has('compare')).toBe(false);
    }
  });

  it('keeps equals signs of a value that follows its option', () => {
    expect(parseArguments(['-machine', 'pc,reset-control=overlay'], syntax).value('machine')).toBe(
      'pc,reset-control=overlay',
    );
    expect(parseArguments(['-machine=pc,reset-control=overlay'], syntax).value('machine')).toBe(
      'pc,reset-control=overlay',
    );
  });

  it('takes what follows a double dash as it stands', () => {
    expect(parseArguments(['--', '-machine', '--compare'], syntax).positional).toEqual(['-machine', '--compare']);
  });

  it('suggests the option that was meant', () => {
    expectRefusal(() => parseArguments(['-machin', 'pc'], syntax), 'unknown-argument', "'-machin'", "'-machine'");
    expectRefusal(() => parseArguments(['--comapre'], syntax), 'unknown-argument', "'--comapre'", "'--compare'");
  });

  it('lists the options as one writes them where none is near', () => {
    const known = { machine: 'MACHINE', f: true, json: true } as const;
    expectRefusal(() => parseArguments(['--zzz'], known), 'unknown-argument', "'--zzz'", '--machine, -f, --json');
  });

  it('refuses options without their value, switches with one, and repetitions where one is meant', () => {
    expectRefusal(() => parseArguments(['-machine'], syntax), 'missing-value', '-machine MACHINE');
    expectRefusal(() => parseArguments(['--compare=yes'], syntax), 'unexpected-value', '--compare');
    const twice = parseArguments(['-machine', 'pc', '-machine', 'isapc'], syntax);
    expectRefusal(() => twice.value('machine'), 'repeated-argument', '-machine');
    expect(twice.all('machine')).toEqual(['pc', 'isapc']);
  });

  it('does not take the names of object methods for options', () => {
    expectRefusal(() => parseArguments(['-constructor', 'x'], syntax), 'unknown-argument', "'-constructor'");
  });
});

describe("settings in QEMU's grammar", () => {
  it('splits at single commas and keeps doubled ones', () => {
    const { subject, settings } = parseKeyValues('-device', 'card,label=a,,b,rate=0x10');
    expect(subject).toBe('card');
    expect([...settings]).toEqual([
      ['label', 'a,b'],
      ['rate', '0x10'],
    ]);
  });

  it('hears a question in either place', () => {
    expect(parseKeyValues('-device', 'help').asksForHelp).toBe(true);
    expect(parseKeyValues('-device', 'mc146818rtc,help')).toMatchObject({ subject: 'mc146818rtc', asksForHelp: true });
    expect(parseKeyValues('-device', 'mc146818rtc,?').asksForHelp).toBe(true);
    expect(parseKeyValues('-device', 'mc146818rtc,base_year=2000').asksForHelp).toBe(false);
  });

  it('refuses what cannot be a setting', () => {
    expectRefusal(() => parseKeyValues('-accel', 'kvm-sim,drain'), 'malformed-setting', "'drain'", 'drain=VALUE');
    expectRefusal(() => parseKeyValues('-accel', 'kvm-sim,'), 'malformed-setting', '-accel kvm-sim,');
    expectRefusal(() => parseKeyValues('-accel', 'kvm-sim,a=1,a=2'), 'repeated-argument', "'a'");
  });

  it('gives back every value whose commas were doubled', () => {
    const text = fc.string({ maxLength: 12 }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (values) => {
        const written = values.map((value, index) => `key${index}=${value.replaceAll(',', ',,')}`);
        const { settings } = parseKeyValues('-device', ['card', ...written].join(','));
        expect([...settings.values()]).toEqual(values);
      }),
      { numRuns: 200 },
    );
  });
});

describe('suggestions', () => {
  const names = ['mc146818rtc', 'i440FX-pcihost', 'piix3', 'i8259', 'vga-text'];

  it('finds what a slip of the finger meant', () => {
    expect(nearest('mc146818rct', names)).toBe('mc146818rtc');
    expect(nearest('I440FX-PCIHOST', names)).toBe('i440FX-pcihost');
    expect(nearest('pixi3', names)).toBe('piix3');
    expect(nearest('vga', names)).toBe('vga-text');
  });

  it('does not guess wildly', () => {
    expect(nearest('e1000-network', names)).toBeUndefined();
    expect(didYouMean('e1000-network', names, "'backplane -device help' lists them.")).toBe(
      "'backplane -device help' lists them.",
    );
    expect(didYouMean('zz', ['on', 'off'])).toBe('Known: on, off.');
  });
});
