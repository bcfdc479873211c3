import { describe, expect, it } from 'vitest';
import { type GuestOperation, type GuestSource, OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { guestProgram } from '../../sdk/accelerator/guest/program.ts';
import type { GuestBody } from '../../sdk/accelerator/guest/vocabulary.ts';
import { Errno, ExitReason } from '../../sdk/accelerator/kvm/abi.ts';
import { expectRefusal } from '../refusal.ts';
import { KernelBench } from './kernel-bench.ts';
import { SmallMachine } from './small-machine.ts';

/** Runs a program that cannot be executed, and answers with the code and the message that say why. */
function failure(guest: GuestBody | GuestSource): string {
  const bench = new KernelBench();
  bench.attach(guest);
  expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.InternalError]);
  const { code, message } = bench.kernel.processor(bench.vcpuFds[0]!).failure!;
  return `${code}: ${message}`;
}

/** A source that hands over one operation with these fields, whatever they are. */
function raw(fields: Partial<Record<keyof GuestOperation, unknown>>): GuestSource {
  return {
    name: 'raw',
    next: (operation) => {
      Object.assign(operation, fields);
      return true;
    },
    interrupt: () => {},
  };
}

describe('a guest program', () => {
  it.each<[unknown, string[]]>([
    [{ length: -5 }, ['repOuts8', 'length of -5']],
    [{ length: 1.5 }, ['length of 1.5']],
    [undefined, ['undefined']],
    [null, ['null']],
    ['text', ['text']],
    [{}, ['length of undefined']],
    [
      [1, 256],
      ['repOuts8', 'element 1', '256', '0xff'],
    ],
    [[Number.NaN], ['element 0', 'NaN']],
    [{ length: 2 }, ['element 0', 'undefined']],
  ])('is refused when it gives a string that is %o', (string, named) => {
    const machine = new SmallMachine([]);
    expectRefusal(
      () => machine.run((guest) => guest.repOuts8(0x80, string as number[])),
      'invalid-operation',
      ...named,
    );
  });

  it('runs from the beginning each time it is started', () => {
    const program = guestProgram('twice', function* (guest) {
      yield* guest.out8(0x80, 1);
    });
    const bench = new KernelBench();
    for (let time = 0; time < 2; time++) {
      bench.attach(program.start());
      expect([bench.run(), bench.exit]).toEqual([0, 'out 0x80/1']);
    }
  });

  it('starts over by attaching, also in the middle of an IN', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.in8(0x71);
    });
    bench.run();
    bench.attach(function* (guest) {
      yield* guest.out8(0x80, 1);
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x80/1']);
  });

  it('may run a step again, end it or throw into it, as it may with any generator', () => {
    const bench = new KernelBench();
    bench.zone(0, 0x10000, 1);
    const caught: unknown[] = [];
    bench.attach(function* (guest) {
      const step = guest.out8(0x70, 1);
      yield* step;
      yield* step;
      const begun = guest.out8(0x70, 2);
      begun.next();
      caught.push(begun.return(), begun.next());
      const broken = guest.out8(0x70, 3);
      broken.next();
      try {
        broken.throw('stop');
      } catch (error) {
        caught.push(error, broken.next());
      }
      yield* guest.out8(0x70, 4);
    });
    expect(bench.run()).toBe(Errno.EINTR);
    expect(bench.drain().map(({ value }) => value)).toEqual([1, 4]);
    const ended = { done: true, value: undefined };
    expect(caught).toEqual([ended, ended, 'stop', ended]);
  });

  it('reads the same from a step whether it is run by the program or by hand', () => {
    const bench = new KernelBench();
    const results: unknown[] = [];
    bench.attach(function* (guest) {
      const step = guest.in8(0x71);
      results.push(step.next());
      yield;
      results.push(step.next(), step.next(), step[Symbol.iterator]() === step);
    });
    bench.run();
    bench.portPage.setUint8(0, 0x26);
    bench.run();
    expect(results).toEqual([
      { done: false, value: undefined },
      { done: true, value: 0x26 },
      { done: true, value: undefined },
      true,
    ]);
  });

  it('writes strings of every width, little endian', () => {
    const bench = new KernelBench();
    bench.zone(0, 0x10000, 1);
    bench.attach(function* (guest) {
      yield* guest.repOuts16(0x1f0, [0x1234, 0xabcd]);
      yield* guest.repOuts32(0xcf8, [0x8000_0000, 0xffff_ffff]);
      yield* guest.repOuts8(0x80, []);
    });
    bench.run();
    expect(bench.drain().map(({ value }) => value)).toEqual([0x1234, 0xabcd, 0x8000_0000, 0xffff_ffff]);
  });

  it('that reads an empty string reads nothing, and does not exit', () => {
    const bench = new KernelBench();
    let length = -1;
    bench.attach(function* (guest) {
      length = (yield* guest.repIns8(0x511, 0)).length;
    });
    expect([bench.run(), length, bench.kernel.counts.vmExits]).toEqual([Errno.EINTR, 0, 0]);
  });

  it('that loops without end stops at its slice, and so does one that only pauses', () => {
    const bench = new KernelBench();
    for (const endless of ['cli', 'pause'] as const) {
      bench.attach(function* (guest) {
        while (true) yield* endless === 'cli' ? guest.cli() : guest.pause(0);
      });
      bench.kernel.processor(bench.vcpuFds[0]!).slice = 10_000;
      expect(bench.run()).toBe(Errno.EINTR);
    }
  });

  it('is refused where it asks for what no processor does: the message names the operation', async () => {
    const programs: Readonly<Record<string, GuestBody>> = {
      'a port too high': (guest) => guest.out8(0x10000, 1),
      'a negative port': (guest) => guest.out8(-1, 1),
      'half a port': (guest) => guest.out16(0.5, 1),
      'a value too large': (guest) => guest.out8(0x70, 256),
      'a negative value': (guest) => guest.store16(0, -1),
      'a bigint too wide': (guest) => guest.store64(0, 2n ** 64n),
      'an address too high': (guest) => guest.store8(2 ** 52, 1),
      'the end of an access too high': (guest) => guest.store16(2 ** 52 - 1, 1),
      'an endless pause': (guest) => guest.pause(Infinity),
      'a pause that is no number': (guest) => guest.pause(NaN),
      'a string too long': (guest) => asVoid(guest.repIns32(0x70, 2 ** 30)),
      'a string that would never end': (guest) => guest.repOuts8(0x70, { length: 2 ** 52 }),
      'a string that would run down below address 0': (guest) =>
        asVoid(guest.repIns16(0x70, 4, { destination: 5, descending: true })),
      *'a step without an operation'() {
        yield;
      },
      *'an exception'(guest) {
        yield* guest.cli();
        throw new Error('oops');
      },
    };
    // No generator can make these: a source of its own does.
    const operations: Readonly<Record<string, Parameters<typeof raw>[0]>> = {
      'a kind that does not exist': { kind: 99 },
      'a kind that is no number': { kind: 'out' },
      'a size of 3': { kind: OperationKind.Out, size: 3 },
      'eight bytes to a port': { kind: OperationKind.Out, size: 8 },
      'an address that is no number': { kind: OperationKind.Load, address: Number.NaN },
      'a string without bytes': { kind: OperationKind.RepOuts, count: 4 },
      'a string that starts behind its end': { kind: OperationKind.RepIns, count: 1, position: 2 },
      'a destination below 0': { kind: OperationKind.RepIns, count: 1, destination: -1 },
    };
    const lines = [
      ...Object.entries(programs).map(([name, body]) => `${name}: ${failure(body)}`),
      ...Object.entries(operations).map(([name, fields]) => `${name}: ${failure(raw(fields))}`),
    ];
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('refused-operations.golden.txt');
  });

  it('reports its own failures in its own words, and stays failed', () => {
    const bench = new KernelBench();
    bench.attach(function* (guest) {
      yield* guest.out8(0x10000, 1);
    });
    expect([bench.run(), bench.run(), bench.exitReason]).toEqual([0, 0, ExitReason.InternalError]);
    expect(bench.kernel.counts).toMatchObject({ vmExits: 0, userspaceExits: 0 });
  });

  it('that is not attached at all is missed', () => {
    const bench = new KernelBench();
    expect([bench.run(), bench.exitReason]).toEqual([0, ExitReason.InternalError]);
    expect(bench.kernel.processor(bench.vcpuFds[0]!).failure?.code).toBe('vcpu-without-guest');
  });

  it('is refused when it is made or started as something else than a generator', () => {
    expectRefusal(() => guestProgram('x', 5 as unknown as GuestBody), 'invalid-guest-program', "'x'");
    const plain = guestProgram('x', (() => undefined) as unknown as GuestBody);
    expectRefusal(() => plain.start(), 'invalid-guest-program', "'x'");
    expect(() =>
      guestProgram((guest) => guest.cli())
        .start()
        .next({} as GuestOperation),
    ).not.toThrow();
  });

  it('refuses a handler for a vector that does not exist', () => {
    expect(
      failure(function* (guest) {
        guest.onInterrupt(256, function* () {
          yield* guest.cli();
        });
        yield* guest.cli();
      }),
    ).toMatch(/^invalid-vector: .*256/);
  });
});

function* asVoid<T>(steps: Generator<undefined, T, undefined>): Generator<undefined, void, undefined> {
  yield* steps;
}
