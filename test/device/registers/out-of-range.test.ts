import { describe, expect, it } from 'vitest';
import { bit, bits, device, mmioRegion, reserved, SystemDevice } from '../../../sdk/index.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import { interpreted } from '../interpreted.ts';

const Base = 0xfe00_0000;
const Members = ['narrow', 'hooked', 'mixed', 'shown', 'word', 'stored'] as const;
const registers = mmioRegion({ name: 'registers', base: Base, size: 0x20, accessSizes: [1, 2, 4] });
const fields = {
  locked: bit(0, 'write-once'),
  plain: bit(1),
  rest: reserved([2, 4]),
  events: bits(5, 7, 'write-one-to-clear'),
};
const narrow = registers.register(0, { width: 8, fields: { ...fields, plain: reserved([1, 1]) } });
const hooked = registers.register(4, { width: 16, fields: { low: bits(0, 3, 'read-only'), high: bits(4, 15) } });
const mixed = registers.register(8, {
  width: 16,
  fields: { ...fields, more: bits(8, 11, 'read-to-clear'), end: reserved([12, 15]) },
});
const shown = registers.register(12, { width: 16, access: 'read-only' });
const word = registers.register(16, { width: 32, fields: { low: bits(0, 3), high: bits(4, 31, 'read-only') } });
const stored = registers.register(20, { width: 16 });

/** Its own code leaves numbers in registers that those do not hold. */
function carelessDevice(type: string) {
  @device({ type, description: 'leaves any number in its registers' })
  class Careless extends SystemDevice {
    readonly heard: unknown[] = [];
    @narrow narrow = 0;
    @hooked hooked = 0;
    @mixed mixed = 0;
    @shown shown = 0;
    @word word = 0;
    @stored stored = 0;

    @hooked.onWrite()
    @mixed.onWrite()
    @word.onWrite()
    hear(...values: unknown[]): void {
      this.heard.push(...values);
    }

    @hooked.onWrite('high')
    @mixed.onWrite('plain')
    hearField(...values: unknown[]): void {
      this.heard.push(...values);
    }

    @hooked.onRead()
    @shown.onRead()
    show(value: number): number {
      this.heard.push(value);
      return value;
    }

    @mixed.onRead('plain')
    showField(value: number): number {
      this.heard.push(value);
      return 1;
    }
  }
  return Careless;
}

/** All that can be seen of it: what registers hold, what hooks hear, what the guest reads, what is reported. */
function seenWith(run: <T>(body: () => T) => T, type: string, left: number) {
  const bench = run(() => testBench(carelessDevice(type)));
  const seen: unknown[] = [];
  for (const size of [1, 2, 4]) {
    for (let offset = 0; offset < 24; offset += size) {
      for (const value of [undefined, 0, 0xffff_ffff, 0x21]) {
        for (const member of Members) bench.device[member] = left;
        if (value === undefined) seen.push(bench.memory.read(Base + offset, size));
        else bench.memory.write(Base + offset, value, size);
        seen.push(...Members.map((member) => bench.device[member]), ...bench.device.heard.splice(0));
      }
    }
    bench.reset();
  }
  return { seen, reports: bench.guestErrors.map(({ message, count }) => `${count} ${message}`) };
}

describe('a register in which device code left a number that it does not hold', () => {
  it.each([-1, 1.5, -2.5, 0x1_0021, 2 ** 40 + 3, Number.NaN])('%d does the same compiled and interpreted', (left) => {
    const compiled = seenWith((body) => body(), 'careless', left);
    expect(seenWith(interpreted, 'careless', left)).toEqual(compiled);
    expect(compiled.seen.length).toBeGreaterThan(500);
  });
});
