import { describe, expect, it } from 'vitest';
import { EggTimer } from '../../examples/egg-timer.ts';
import { isaIrq, MICROSECOND, SECOND, use } from '../../sdk/index.ts';
import { type Guest, type GuestBody, guestProgram, Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';

const run = (body: GuestBody) => () => Machine.create(isapc).run(guestProgram(body));

describe('a step that a guest program calls without yield*', () => {
  it('is reported when the program ends, with the first of them', () => {
    const program = run(function* prober(guest) {
      yield* guest.out8(0x70, 0x0a);
      guest.out8(0x71, 0x26);
      guest.store32(0xb8000, 7);
    });
    expectRefusal(program, 'step-not-run', "'prober'", '2 steps', 'out8 at 0x71');
  });

  it.each<[string, (guest: Guest) => unknown]>([
    ['in16 at 0x70', (guest) => guest.in16(0x70)],
    ['load64 at 0xb8000', (guest) => guest.load64(0xb8000)],
    ['store64 at 0xb8000', (guest) => guest.store64(0xb8000, 1n)],
    ['repOuts16 at 0x80', (guest) => guest.repOuts16(0x80, [1])],
    ['repIns32 at 0x80', (guest) => guest.repIns32(0x80, 4)],
    ['sti', (guest) => guest.sti()],
    ['cli', (guest) => guest.cli()],
    ['hlt', (guest) => guest.hlt()],
    ['pause', (guest) => guest.pause(1 * MICROSECOND)],
  ])('%s alone', (first, forget) => {
    expect(run(function* () {})).not.toThrow();
    const program = run(function* (guest) {
      forget(guest);
      yield* guest.out8(0x80, 0);
    });
    expectRefusal(program, 'step-not-run', '1 step ', first);
  });

  it('is reported when the processor halts, since nothing might wake it', () => {
    const program = run(function* (guest) {
      guest.sti();
      yield* guest.hlt();
    });
    expectRefusal(program, 'step-not-run', '1 step ', 'sti');
  });

  it('is reported when an interrupt handler ends', () => {
    const machine = Machine.create({
      ...isapc,
      devices: [...isapc.devices, use(EggTimer, { interrupts: { irq: isaIrq(5) }, options: { tick: 1 } })],
    });
    const program = guestProgram('cook', function* (guest) {
      for (const [port, value] of [
        [0x20, 0x11],
        [0x21, 0x20],
        [0x21, 0x04],
        [0x21, 0x01],
        [0x21, 0xdf],
      ] as const) {
        yield* guest.out8(port, value);
      }
      // biome-ignore lint/correctness/useYield: the mistake under test
      guest.onInterrupt(0x25, function* () {
        guest.out8(0x20, 0x20);
      });
      yield* guest.sti();
      yield* guest.out8(0x320, 1);
      yield* guest.pause(1 * SECOND);
    });
    expectRefusal(() => machine.run(program), 'step-not-run', "'cook'", 'out8 at 0x20');
  });

  it('is reported in a loop that would never end', () => {
    const program = run(function* (guest) {
      while ((yield* guest.in8(0x71)) !== 0x77) guest.pause(1 * MICROSECOND);
    });
    expectRefusal(program, 'step-not-run', '100000 steps', 'pause');
    const spinning = run(function* (guest) {
      for (;;) guest.hlt();
      // biome-ignore lint/correctness/noUnreachable: a generator needs it
      yield* guest.hlt();
    });
    expectRefusal(spinning, 'step-not-run', '100000 steps', 'hlt');
  });

  it('may wait in a list until it is run', () => {
    const ports: number[] = [];
    const machine = Machine.create(isapc);
    const program = guestProgram('list', function* (guest) {
      const steps = [guest.out8(0x70, 0x0d), guest.out8(0x80, 1)];
      const last = guest.in8(0x71);
      for (const step of steps) yield* step;
      ports.push(yield* last);
      ports.push(yield* guest.in8(0x71));
    });
    expect(machine.run(program).reason).toBe('finished');
    expect(ports).toEqual([0x80, 0x80]);
    const long = run(function* (guest) {
      for (const step of Array.from({ length: 1500 }, (_, n) => guest.out8(0x80, n & 0xff))) yield* step;
    });
    expect(long).not.toThrow();
  });
});
