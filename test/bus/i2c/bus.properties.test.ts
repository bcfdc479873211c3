import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { I2cBus, I2cLines } from '../../../sdk/i2c.ts';
import { times } from '../../depth.ts';
import { plug, type Recorder } from './toys.ts';

const Addresses = [0x10, 0x11, 0x50];

type Step =
  | { readonly kind: 'start'; readonly address: number; readonly direction: 'read' | 'write' }
  | { readonly kind: 'write'; readonly byte: number }
  | { readonly kind: 'read'; readonly acknowledge: boolean }
  | { readonly kind: 'stop' | 'unplug' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('start' as const),
      address: fc.constantFrom(...Addresses, 0x12, 0x79),
      direction: fc.constantFrom('read' as const, 'write' as const),
    }),
    fc.record({ kind: fc.constant('write' as const), byte: fc.integer({ min: 0, max: 0xff }) }),
    fc.record({ kind: fc.constant('read' as const), acknowledge: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('stop' as const, 'stop' as const, 'unplug' as const) }),
  ),
  { maxLength: 60 },
);

/** What the specification says of a bus with recorders: which one is in the transfer, and in which direction. */
class Model {
  private current: number | undefined;
  private direction: 'read' | 'write' | 'none' = 'none';
  readonly there = new Set(Addresses);

  start(address: number, direction: 'read' | 'write'): boolean {
    this.current = this.there.has(address) ? address : undefined;
    this.direction = this.current === undefined ? 'none' : direction;
    return this.current !== undefined;
  }

  write(): boolean {
    return this.direction === 'write' && this.isThere();
  }

  /** Whether a target drives the byte. */
  read(acknowledge: boolean): boolean {
    const drives = this.direction === 'read' && this.isThere();
    if (this.direction === 'read' && !acknowledge) this.direction = 'none';
    return drives;
  }

  stop(): void {
    this.current = undefined;
    this.direction = 'none';
  }

  private isThere(): boolean {
    return this.current !== undefined && this.there.has(this.current);
  }
}

function setUp() {
  const bus = new I2cBus();
  const plugged = new Map(Addresses.map((at) => [at, plug(bus, at)]));
  return { bus, plugged };
}

/** A start, bytes and a stop, as often as they like: no byte before a start, no stop twice. */
function isInOrder({ seen }: Recorder): boolean {
  let inside = false;
  return seen.every((word) => {
    if (word === 'stop') {
      const was = inside;
      inside = false;
      return was;
    }
    if (/^(read|write) /.test(word)) inside = true;
    return inside;
  });
}

describe('any sequence of operations', () => {
  it('is acknowledged as the specification says, and reaches targets in order', () => {
    fc.assert(
      fc.property(steps, (program) => {
        const { bus, plugged } = setUp();
        const model = new Model();
        for (const step of program as readonly Step[]) {
          if (step.kind === 'start')
            expect(bus.start(step.address, step.direction)).toBe(model.start(step.address, step.direction));
          else if (step.kind === 'write') expect(bus.write(step.byte)).toBe(model.write());
          else if (step.kind === 'read') expect(bus.read(step.acknowledge) !== 0xff).toBe(model.read(step.acknowledge));
          else if (step.kind === 'stop') {
            bus.stop();
            model.stop();
          } else {
            plugged.get(0x10)?.unplug();
            model.there.delete(0x10);
          }
        }
        for (const { target } of plugged.values()) expect(isInOrder(target)).toBe(true);
      }),
      { seed: 1, numRuns: times(100, 300) },
    );
  });

  it('of levels on the lines throws nothing, and the guest reads what some side drives', () => {
    const levels = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 300 });
    fc.assert(
      fc.property(levels, (moves) => {
        const { bus, plugged } = setUp();
        const lines = new I2cLines(bus);
        for (const [clock, data] of moves) {
          lines.set(clock, data);
          expect(lines.data && !data).toBe(false);
        }
        for (const { target } of plugged.values()) expect(isInOrder(target)).toBe(true);
      }),
      { seed: 1, numRuns: times(66, 200) },
    );
  });

  it('that floods the bus leaves nothing behind', () => {
    const { bus, plugged } = setUp();
    for (const { target } of plugged.values()) target.seen.push = () => 0;
    const lengths: number[] = [];
    bus.observer = (words) => lengths.push(words.length);
    for (let n = 0; n < 100_000; n++) {
      bus.start(n & 0x7f, n & 0x80 ? 'read' : 'write');
      bus.write(n & 0xff);
      bus.read();
      if (lengths.length > 100) lengths.length = 0;
    }
    expect(Math.max(...lengths)).toBeLessThan(1000);
    expect(Object.keys(bus).length).toBeLessThan(12);
  });
});
