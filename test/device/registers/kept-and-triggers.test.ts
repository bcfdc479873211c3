import { describe, expect, it } from 'vitest';
import { metadataOf, saveDevice } from '../../../sdk/device/index.ts';
import { bit, bits, device, mmioRegion, portRegion, reserved, SystemDevice } from '../../../sdk/index.ts';
import { registerDocument } from '../../../sdk/monitor/reference.ts';
import { deviceConformance, testBench } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';
import { expectRefusal } from '../../refusal.ts';
import { engines } from '../interpreted.ts';

const Base = 0xf000;
const window = mmioRegion({ name: 'window', base: Base, size: 0x40, accessSizes: [1, 2, 4, 8] });
const limit = window.register(0x00, { width: 16 });
const mode = window.register(0x04, { width: 32, fields: { speed: bits(0, 3), on: bit(4), rest: reserved([5, 31]) } });
const wide = window.register(0x08, { width: 64, fields: { low: bits(0, 31), high: bits(32, 63) } });
const levels = window.register(0x10, { width: 8, count: 4 });
const clear = window.register(0x14, { width: 32, access: 'trigger', name: 'clear' });
const start = window.register(0x18, {
  width: 16,
  access: 'trigger',
  reads: 0xbeef,
  fields: { now: bit(0), which: bits(1, 3), rest: reserved([4, 15]) },
});
const doorbells = window.register(0x20, { width: 16, access: 'trigger', count: 4 });
const bell64 = window.register(0x28, { width: 64, access: 'trigger', reads: 1n });
const fifo = window.register(0x30, {
  width: 8,
  fields: { enable: bit(0), flush: bit(1, 'trigger'), rest: reserved([2, 7]) },
});
const status = window.register(0x34, {
  width: 8,
  access: 'read-only',
  description: 'which causes are enabled',
});
const both = window.register(0x35, { width: 8 });
const pending = window.register(0x36, {
  width: 8,
  fields: { causes: bits(0, 3, 'write-one-to-clear'), rest: reserved([4, 7]) },
});

/** Every kind of hook and of trigger. Made anew for each engine, which is chosen when the first one of a class is realized. */
function makeDevice() {
  @device({ type: 'kept', description: 'Hooks that keep other values, and registers that hold nothing' })
  class Kept extends SystemDevice {
    @limit limit = 0;
    @mode mode = 0;
    @wide wide = 0n;
    @levels readonly levels = new Uint8Array(4);
    @fifo fifo = 0;
    /** What the methods were told. */
    readonly calls: unknown[][] = [];
    causes = 0;

    @limit.onWrite()
    saturate(value: number): number | undefined {
      return value > 1000 ? 1000 : undefined;
    }

    @mode.onWrite('speed')
    slowDown(value: number, previous: number): number {
      return value === 9 ? previous : value;
    }

    @mode.onWrite()
    turnOn(value: number): number {
      return value | mode.fields.on.mask;
    }

    @wide.onWrite('high')
    keepHigh(_value: bigint, previous: bigint): bigint {
      return previous + 1n;
    }

    @levels.onWrite()
    double(value: number, _previous: number, index: number): number {
      return value * 2 + index;
    }

    @clear clearAll(value: number, index: number): void {
      this.calls.push(['clear', value, index]);
    }

    @start begin(value: number): void {
      this.calls.push(['begin', value]);
    }

    @start.onWrite('which')
    choose(which: number, previous: number): void {
      this.calls.push(['which', which, previous]);
    }

    @doorbells ring(value: number, index: number): void {
      this.calls.push(['ring', value, index]);
    }

    @bell64 ringWide(value: bigint): void {
      this.calls.push(['wide', value]);
    }

    @fifo.onWrite()
    control(value: number, previous: number): void {
      this.calls.push(['fifo', value, previous]);
    }

    @fifo.onWrite('flush')
    flush(flush: number): void {
      if (flush) this.calls.push(['flush']);
    }

    @status get status(): number {
      return this.causes & this.both;
    }

    @both get both(): number {
      return 0xff & ~this.levels[3]!;
    }
    set both(value: number) {
      this.levels[3] = ~value;
    }

    @pending get pending(): number {
      return this.causes;
    }

    @pending.onWrite('causes')
    acknowledge(left: number, before: number): void {
      this.calls.push(['acknowledge', left, before]);
      this.causes = left;
    }
  }
  return Kept;
}

describe.each(engines)('%s', (_name, withEngine) => {
  const made = () => withEngine(() => testBench(makeDevice()));

  it('a hook answers the value to keep; without an answer what was written stays', () => {
    const bench = made();
    bench.store16(Base, 999);
    expect(bench.load16(Base)).toBe(999);
    bench.store16(Base, 5000);
    expect(bench.load16(Base)).toBe(1000);
    bench.store8(Base + 1, 0xff);
    expect(bench.load16(Base)).toBe(1000);
  });

  it('the hook of a field answers for its field, and the next hook sees that', () => {
    const bench = made();
    bench.store32(Base + 4, 0x3);
    expect(bench.load32(Base + 4)).toBe(0x13);
    bench.store8(Base + 4, 0x9);
    expect(bench.load32(Base + 4)).toBe(0x13);
    bench.store64(Base + 8, 0x1122_3344_5566_7788n);
    expect(bench.load64(Base + 8)).toBe(0x0000_0001_5566_7788n);
    // A write that does not touch the field does not call its hook.
    bench.store32(Base + 8, 0xffff_ffff);
    expect(bench.load64(Base + 8)).toBe(0x0000_0001_ffff_ffffn);
  });

  it('what is kept is cut to the register, and each of an array keeps its own', () => {
    const bench = made();
    bench.store32(Base + 0x10, 0xff03_0201);
    expect([...bench.device.levels]).toEqual([2, 5, 8, (0xff * 2 + 3) & 0xff]);
    bench.device.saturate = () => -1;
    bench.store16(Base, 5);
    expect(bench.device.limit).toBe(0xffff);
  });

  it('a trigger hands what is written to its method, and keeps nothing', () => {
    const bench = made();
    bench.store32(Base + 0x14, 0xdead_beef);
    bench.store8(Base + 0x15, 0x12);
    expect(bench.device.calls).toEqual([
      ['clear', 0xdead_beef, 0],
      ['clear', 0x1200, 0],
    ]);
    expect(bench.load32(Base + 0x14)).toBe(0);
    expect(bench.guestErrors.map(({ message }) => message)).toEqual(["read of the trigger register 'clear'"]);
    expect(JSON.stringify(saveDevice(bench.device))).not.toContain('clear');
  });

  it('a trigger may say what it reads, and has fields with hooks', () => {
    const bench = made();
    expect(bench.load16(Base + 0x18)).toBe(0xbeef);
    expect(bench.load8(Base + 0x19)).toBe(0xbe);
    bench.store16(Base + 0x18, 0x000b);
    expect(bench.device.calls).toEqual([
      ['which', 5, 0],
      ['begin', 0x0b],
    ]);
    bench.store16(Base + 0x18, 0xff00);
    expect(bench.device.calls.at(-1)).toEqual(['begin', 0]);
    expect(bench.guestErrors.map(({ message }) => message)).toEqual([
      "wrote 0xff00 to reserved bits 4 to 15 of register 'begin': must stay 0x0",
    ]);
    bench.store64(Base + 0x28, 0x1234_5678_9abc_def0n);
    expect(bench.device.calls.at(-1)).toEqual(['wide', 0x1234_5678_9abc_def0n]);
    expect(bench.load64(Base + 0x28)).toBe(1n);
  });

  it('an array of triggers tells which one', () => {
    const bench = made();
    bench.store32(Base + 0x22, 0x0007_0006);
    expect(bench.device.calls).toEqual([
      ['ring', 6, 1],
      ['ring', 7, 2],
    ]);
  });

  it('a bit of a register may be a trigger: its hooks see it, and it reads zero', () => {
    const bench = made();
    bench.store8(Base + 0x30, 0x03);
    expect(bench.device.calls).toEqual([['flush'], ['fifo', 3, 0]]);
    expect(bench.load8(Base + 0x30)).toBe(1);
    expect(bench.device.fifo).toBe(1);
  });

  it('a derived register is worked out at each read, and is no state', () => {
    const bench = made();
    expect(bench.load8(Base + 0x34)).toBe(0);
    bench.device.causes = 0x35;
    expect(bench.load8(Base + 0x34)).toBe(0x35);
    bench.store8(Base + 0x13, 0x08);
    expect(bench.device.levels[3]).toBe(0x13);
    expect(bench.load8(Base + 0x34)).toBe(0x35 & ~0x13);
    const saved = JSON.stringify(saveDevice(bench.device));
    for (const name of ['status', 'both', 'pending']) expect(saved).not.toContain(name);
    bench.device.reset();
    expect(bench.load8(Base + 0x34)).toBe(0x35);
  });

  it('a write to a derived register goes to its setter, or to its hooks', () => {
    const bench = made();
    bench.store8(Base + 0x35, 0xf0);
    expect(bench.device.levels[3]).toBe(0x0f);
    expect(bench.load8(Base + 0x35)).toBe(0xf0);
    bench.device.causes = 0x0f;
    bench.store8(Base + 0x36, 0x05);
    expect(bench.device.calls).toEqual([['acknowledge', 0x0a, 0x0f]]);
    expect(bench.load8(Base + 0x36)).toBe(0x0a);
    bench.store8(Base + 0x34, 1);
    expect(bench.guestErrors.map(({ message }) => message)).toEqual(["write to the read-only register 'status'"]);
  });
});

it('the reference says what is derived and what a trigger reads', () => {
  const reference = registerDocument(metadataOf(makeDevice()));
  expect(reference).toContain('| 0x34 | `status` | 8 | read-only | derived |');
  expect(reference).toContain('| 0x18 | `begin` | 16 | trigger | reads 0xbeef |');
  expect(reference).toContain('write: ring');
});

const ports = portRegion({ name: 'ports', base: 0x300, size: 4, accessSizes: [1] });
const enable = ports.register(0, { width: 8 });
const raise = ports.register(1, { width: 8, access: 'trigger', name: 'raise' });
const active = ports.register(2, { width: 8, access: 'read-only' });

/** Interrupt causes as a driver finds them. */
@device({ type: 'causes', description: 'Causes, a mask and what is left of both' })
class Causes extends SystemDevice {
  @enable enable = 0;
  @ports.register(3, { width: 8, access: 'read-only' }) causes = 0;

  @raise raiseCauses(causes: number): void {
    this.causes ^= causes;
  }

  @active get active(): number {
    return this.causes & this.enable;
  }
}

deviceConformance(Causes, { describe, it, runs: times(20, 60), hostileAccesses: times(5000, 100_000) });

describe('what cannot be', () => {
  const define = (spec: object, on: 'field' | 'getter' | 'method' | 'setter') => () => {
    const register = window.register(0, { width: 8, ...spec } as never) as unknown as PropertyDecorator &
      MethodDecorator;
    class Wrong extends SystemDevice {}
    const descriptors = {
      field: undefined,
      getter: { get: () => 0 },
      setter: { get: () => 0, set: () => {} },
      method: { value: () => {} },
    };
    (register as (target: object, member: string, descriptor?: PropertyDescriptor) => void)(
      Wrong.prototype,
      'member',
      descriptors[on],
    );
    device({ type: 'wrong', description: 'what cannot be' })(Wrong);
  };

  it.each([
    ['a register on a method', {}, 'method', 'register-not-on-field'],
    ['a trigger on a field', { access: 'trigger' }, 'field', 'register-not-on-field'],
    ['a trigger on a getter', { access: 'trigger' }, 'getter', 'register-not-on-field'],
    ['a trigger with a reset value', { access: 'trigger', reset: 1 }, 'method', 'invalid-trigger'],
    ['a trigger that reads too much', { access: 'trigger', reads: 256 }, 'method', 'invalid-trigger'],
    [
      'a trigger with a bit that holds',
      { access: 'trigger', fields: { a: bits(0, 7, 'read-only') } },
      'method',
      'invalid-trigger',
    ],
    ['a register that says what it reads', { reads: 1 }, 'field', 'invalid-trigger'],
    ['a derived register that takes writes nowhere', {}, 'getter', 'invalid-derived-register'],
    ['a derived register that is locked', { access: 'write-once' }, 'setter', 'invalid-derived-register'],
    ['a derived register that clears', { access: 'read-to-clear' }, 'getter', 'invalid-derived-register'],
    ['a derived register that is kept', { access: 'read-only', atReset: 'kept' }, 'getter', 'invalid-derived-register'],
  ] as const)('%s is refused', (_what, spec, on, code) => {
    expectRefusal(define(spec, on), code);
  });

  it('a trigger with a second hook for all of it is refused', () => {
    expectRefusal(
      () => {
        @device({ type: 'twice', description: 'two methods for one write' })
        class Twice extends SystemDevice {
          @raise one(): void {}
          @raise.onWrite() two(): void {}
        }
        return Twice;
      },
      'register-hook-twice',
      'one',
      'two',
    );
  });
});
