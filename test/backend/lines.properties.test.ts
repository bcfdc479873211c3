// @module-tag slow
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backend, CharHost } from '../../sdk/backend.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { lineMachine, Port } from './uart.ts';

const data = 0x3f8 + Port.Data;
const status = 0x3f8 + Port.Status;

/** What the world and the guest do in turn. */
type Move =
  | { readonly kind: 'arrive'; readonly count: number }
  | { readonly kind: 'read'; readonly count: number }
  | { readonly kind: 'write'; readonly count: number }
  | { readonly kind: 'leave'; readonly count: number }
  | { readonly kind: 'save' };

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({ kind: fc.constant('arrive' as const), count: fc.oneof(fc.nat(20), fc.nat(9000)) }),
  fc.record({ kind: fc.constant('read' as const), count: fc.oneof(fc.nat(20), fc.nat(6000)) }),
  fc.record({ kind: fc.constant('write' as const), count: fc.nat(3000) }),
  fc.record({ kind: fc.constant('leave' as const), count: fc.nat(5000) }),
  fc.record({ kind: fc.constant('save' as const) }),
);

/** The other side: it takes what comes, and says that it has left when the test says so. */
class World implements Backend {
  readonly id = 'serial0';
  readonly type = 'char';
  readonly kind = 'world';
  readonly written: number[] = [];
  onTheWay = 0;
  isReceiving = true;
  host: CharHost | undefined;

  open() {
    this.onTheWay = 0;
    return {
      start: (host: CharHost) => {
        this.host = host;
      },
      write: (bytes: Uint8Array) => {
        this.written.push(...bytes);
        this.onTheWay += bytes.length;
      },
      setReceiving: (wanted: boolean) => {
        this.isReceiving = wanted;
      },
      close: () => {},
      describe: () => 'world',
    };
  }

  leave(count: number): void {
    const left = Math.min(count, this.onTheWay);
    this.onTheWay -= left;
    this.host?.sent(left);
  }
}

const nothing = guestProgram('nothing', function* (guest) {
  yield* guest.in8(status);
});

describe('whatever arrives, waits, is refused, saved and restored', () => {
  it('no byte is lost, doubled or out of order, either way', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 25 }), (moves) => {
        const world = new World();
        let machine = Machine.create(lineMachine, { backends: [world] });
        const [sent, got, wrote]: [number[], number[], number[]] = [[], [], []];
        const reads = (count: number) =>
          guestProgram('reads', function* (guest) {
            for (let at = 0; at < count; at++)
              if ((yield* guest.in8(status)) & 1) got.push(yield* guest.in8(data));
              else return;
          });
        const writes = (count: number) =>
          guestProgram('writes', function* (guest) {
            for (let at = 0; at < count; at++) {
              if (((yield* guest.in8(status)) & 2) === 0) return;
              const byte = (wrote.length * 31) & 0xff;
              wrote.push(byte);
              yield* guest.out8(data, byte);
            }
          });
        for (const step of moves) {
          if (step.kind === 'arrive' && world.isReceiving) {
            const bytes = Array.from({ length: step.count }, (_, at) => ((sent.length + at) * 7) & 0xff);
            sent.push(...bytes);
            world.host?.received(Uint8Array.from(bytes));
          } else if (step.kind === 'read') machine.run(reads(step.count));
          else if (step.kind === 'write') machine.run(writes(step.count));
          else if (step.kind === 'leave') world.leave(step.count);
          else if (step.kind === 'save') {
            const snapshot = JSON.parse(JSON.stringify(machine.save()));
            machine = Machine.restore(lineMachine, snapshot, { backends: [world] });
          }
        }
        machine.run(nothing);
        world.leave(Number.MAX_SAFE_INTEGER);
        for (let rounds = 0; got.length < sent.length && rounds < 1000; rounds++) machine.run(reads(10_000));
        machine.run(nothing);
        machine.run(nothing);
        expect(got).toEqual(sent);
        expect(world.written).toEqual(wrote);
      }),
      { seed: 10, numRuns: 25 },
    );
  });
});

describe('a hostile guest', () => {
  it('that writes for ever to a line that is closed, or that takes nothing, holds no memory', () => {
    const world = new World();
    const machine = Machine.create(lineMachine, { backends: [world] });
    const flood = guestProgram('flood', function* (guest) {
      for (let at = 0; at < 150_000; at++) yield* guest.out8(data, at & 0xff);
    });
    machine.run(flood);
    expect(world.written.length).toBeLessThanOrEqual(64 * 1024);
    world.host?.closed();
    machine.run(flood);
    expect(world.written.length).toBeLessThanOrEqual(64 * 1024 + 1);
    expect(machine.inbox.pending).toEqual([]);
  });
});

describe('a hostile other side', () => {
  it('that comes and goes while the inbox is full is missed by the device once, and takes no window with it', () => {
    const world = new World();
    const machine = Machine.create(lineMachine, { backends: [world] });
    const write = (count: number) =>
      guestProgram('write', function* (guest) {
        for (let at = 0; at < count; at++) yield* guest.out8(data, at & 0xff);
      });
    machine.run(write(60_000));
    for (let at = 0; at < 4096; at++) {
      world.host?.received(Uint8Array.of(at & 0xff));
      world.host?.break();
    }
    for (let at = 0; at < 3; at++) {
      world.host?.closed();
      world.host?.opened();
    }
    const events: number[] = [];
    const drain = guestProgram('drain', function* (guest) {
      for (let at = 0; at < 5000; at++) {
        yield* guest.in8(data);
        events.push(yield* guest.in8(0x3f8 + Port.Events));
      }
    });
    machine.run(drain);
    expect(events.filter((bits) => (bits & 2) !== 0).length).toBe(1);
    expect(machine.io.read(status, 1)).toBe(6);
    machine.run(write(60_000));
    expect(machine.io.read(status, 1)).toBe(6);
    expect(world.written.length).toBe(120_000);
  });

  it('that floods, comes and goes without end, is bounded, and told of', () => {
    const errors: string[] = [];
    const world = new World();
    const machine = Machine.create(lineMachine, {
      backends: [world],
      onBackendError: (_, message) => void errors.push(message),
    });
    for (let at = 0; at < 40; at++) world.host?.received(new Uint8Array(64 * 1024));
    for (let at = 0; at < 10_000; at++) {
      world.host?.closed();
      world.host?.opened();
      world.host?.break();
    }
    expect(world.isReceiving).toBe(false);
    expect(machine.inbox.pending.length).toBeLessThanOrEqual(8192);
    expect(errors.length).toBeGreaterThan(0);
    machine.run(nothing);
    expect(JSON.stringify(machine.save()).length).toBeLessThan(4_000_000);
    world.host?.closed();
    const drain = guestProgram('drain', function* (guest) {
      for (let at = 0; at < 1_100_000; at++) yield* guest.in8(data);
    });
    machine.run(drain);
    expect(machine.inbox.pending).toEqual([]);
    expect(machine.io.read(status, 1) & 4).toBe(0);
  });
});
