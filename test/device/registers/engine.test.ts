import { describe, expect, it } from 'vitest';
import { bits, device, mmioRegion, SystemDevice } from '../../../sdk/index.ts';
import { registerEngine } from '../../../sdk/runtime.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import { interpreted } from '../interpreted.ts';

const Base = 0xfe00_0000;
const registers = mmioRegion({ name: 'registers', base: Base, size: 0x10 });
const control = registers.register(4, { width: 16 });

@device({ type: 'plain', description: 'two registers and a hook' })
class Plain extends SystemDevice {
  @registers.register(0, { width: 32, reset: 5 }) data = 5;
  @control control = 0;
  lastWritten = 0;

  @control.onWrite()
  controlWritten(value: number): void {
    this.lastWritten = value;
  }
}

@device({ type: 'plain-interpreted', description: 'the same, its registers interpreted' })
class PlainInterpreted extends Plain {}

const isRequired = (process.env['REQUIRE_INTERPRETED'] ?? '') !== '';
const isForbidden = process.execArgv.includes('--disallow-code-generation-from-strings');

describe('where new Function is forbidden', () => {
  it('registers are interpreted, and where it is not they are compiled', () => {
    expect(registerEngine()).toBe(isForbidden ? 'interpreted' : 'compiled');
    expect(interpreted(registerEngine)).toBe('interpreted');
    expect(registerEngine()).toBe(isForbidden ? 'interpreted' : 'compiled');
  });

  it('registers are interpreted, if REQUIRE_INTERPRETED asks for it', () => {
    expect(isRequired ? registerEngine() : 'interpreted').toBe('interpreted');
  });

  it('a device does the same as elsewhere', () => {
    const bench = interpreted(() => testBench(PlainInterpreted));
    for (const one of [bench, testBench(Plain)]) {
      one.store16(Base + 2, 0x1234);
      expect(one.load32(Base)).toBe(0x1234_0005);
      // Two registers at once, one of them with a hook.
      one.store32(Base + 4, 0xffff_00aa);
      expect(one.device.lastWritten).toBe(0xaa);
      one.device.reset();
      expect(one.load32(Base)).toBe(5);
    }
  });
});

const odd = mmioRegion({ name: 'odd', base: Base, size: 0x20, accessSizes: [1, 2, 4, 8] });
const narrow = odd.register(0, { width: 16, reset: 0x1234 });
const field = odd.register(4, { width: 32, reset: 0x1234_5678, fields: { low: bits(0, 3), high: bits(4, 31) } });
const wide = odd.register(8, { width: 64, reset: 0x1234_5678_9abc_def0n });
const wideField = odd.register(0x10, {
  width: 64,
  reset: 0x1234_5678_9abc_def0n,
  fields: { low: bits(0, 3), high: bits(4, 63) },
});

/** As a plugin that no compiler has checked: its read hooks answer anything, and its methods may be gone. */
function oddDevice(type: string) {
  @device({ type, description: 'hooks that answer anything' })
  class Odd extends SystemDevice {
    answer: unknown;
    @narrow narrow = 0x1234;
    @field field = 0x1234_5678;
    @wide wide = 0x1234_5678_9abc_def0n;
    @wideField wideField = 0x1234_5678_9abc_def0n;

    @narrow.onRead()
    @field.onRead('high')
    show(): number {
      return this.answer as number;
    }

    @wide.onRead()
    @wideField.onRead('high')
    showWide(): bigint {
      return this.answer as bigint;
    }

    @narrow.onWrite()
    @field.onWrite('high')
    onWritten(): void {}

    @wide.onWrite()
    @wideField.onWrite('high')
    onWideWritten(): void {}
  }
  return Odd;
}

describe('what an unchecked plugin does wrong', () => {
  const benches = (type: string) =>
    [testBench(oddDevice(type)), interpreted(() => testBench(oddDevice(type)))] as const;
  /** What the guest gets from each place at each width; 'throws' where the device's code ends with an error. */
  const outcomes = (bench: ReturnType<typeof benches>[number]) => {
    const attempt = (access: () => unknown) => {
      try {
        return access() ?? 'done';
      } catch {
        return 'throws';
      }
    };
    const widths = [8, 16, 32, 64] as const;
    return [0, 1, 2, 4, 6, 8, 12, 0x10, 0x14].flatMap((at) =>
      widths.flatMap((width) => [
        [`load${width}`, at, attempt(() => bench[`load${width}`](Base + at))],
        [`store${width}`, at, attempt(() => bench[`store${width}`](Base + at, (width === 64 ? 0x51n : 0x51) as never))],
      ]),
    );
  };

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', '7'],
    ['true', true],
    ['NaN', Number.NaN],
    ['1.5', 1.5],
    ['an object', {}],
    ['a large number', 2 ** 40],
    ['a negative number', -1],
    ['a bigint', 7n],
    ['a negative bigint', -7n],
  ])('a read hook that answers %s has one outcome, compiled or interpreted', (_, answer) => {
    const [one, other] = benches('odd-answers');
    one.device.answer = answer;
    other.device.answer = answer;
    expect(outcomes(other)).toEqual(outcomes(one));
  });

  it.each(['show', 'showWide', 'onWritten', 'onWideWritten'] as const)(
    "'%s' that is gone has one outcome",
    (method) => {
      const [one, other] = benches('odd-methods');
      for (const { device: made } of [one, other]) Object.defineProperty(made, method, { value: undefined });
      const expected = outcomes(one);
      expect(expected.map(([, , outcome]) => outcome)).toContain('throws');
      expect(outcomes(other)).toEqual(expected);
    },
  );
});
