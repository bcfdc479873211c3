import { type InterruptLine, IsaBus, MICROSECOND, MILLISECOND } from '../../sdk/index.ts';
import type { Machine } from '../../sdk/runtime.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { drive, pit } from './pit.ts';
import { type Operation, out8, read8, step } from './script.ts';

const Pic = { command: 0x20, readRequests: 0x0a, poll: 0x0c, end: 0x20 } as const;

const irq0 = (machine: Machine): InterruptLine => (machine.service(IsaBus) as IsaBus).line(0);

/** Pulses of CLK, counts of one byte and of two, and several of those. */
export const someTime = (random: Random): Operation =>
  step(
    1 +
      random.below(
        random.pick([2 * MICROSECOND, 2 * MICROSECOND, 20 * MICROSECOND, 300 * MICROSECOND, 60 * MILLISECOND]) *
          (random.oneIn(100) ? 10 : 1),
      ),
  );

/** As a driver without interrupts would. */
const serve: readonly Operation[] = [
  ...[out8(Pic.command, Pic.poll), read8(Pic.command)],
  ...[out8(Pic.command, Pic.end), out8(Pic.command, Pic.readRequests), read8(Pic.command)],
];

export const pitOverTime: Chip = {
  ...pit,
  name: 'pit-over-time',
  title: 'i8254 and port 0x61 while time passes: counts, OUT, gate, and IRQ 0 at the interrupt controller',
  // The HPET of QEMU's machine stands between the timer and its line.
  qemu: { machine: 'pc,hpet=off', steps: true, watch: { type: 'ioapic', inputs: [0] } },
  outputs: (machine) => Number(irq0(machine).level),
  onRise: (machine, callback) => void irq0(machine).connect((level) => level && callback()),
  // Each access is of one byte: to others versions of QEMU answer differently. No reset: QEMU's line stays high then, and rises again.
  act(random, add) {
    const addOverTime = (...operations: Operation[]) => {
      for (const operation of operations) {
        add(operation);
        if (random.oneIn(3)) add(someTime(random));
      }
    };
    random.weighted([
      [8, () => drive(random, addOverTime)],
      [1, () => addOverTime(...serve)],
      [1, () => addOverTime(out8(Pic.command, Pic.readRequests), read8(Pic.command))],
    ]);
  },
};
