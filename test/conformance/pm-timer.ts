import { type InterruptLine, IsaBus, MICROSECOND, SECOND } from '../../sdk/index.ts';
import type { Machine } from '../../sdk/runtime.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { piix4Pm, place } from './piix4-pm.ts';
import { type Operation, out, read, step } from './script.ts';

const Base = 0x600;
const Port = { Status: Base, Enable: Base + 2, Control: Base + 4, Timer: Base + 8 } as const;
const Sci = 9;

const sci = (machine: Machine): InterruptLine => (machine.service(IsaBus) as IsaBus).line(Sci);

/** Ticks, and halves of the timer, which are 2.3 s long. */
const someTime = (random: Random): Operation =>
  step(1 + random.below(random.pick([1 * MICROSECOND, 100 * MICROSECOND, 1 * SECOND, 3 * SECOND, 12 * SECOND])));

/** A reset is no part of it: QEMU's timer counts on. */
export const pmTimer: Chip = {
  ...piix4Pm,
  name: 'pm-timer',
  title: "PIIX4's ACPI timer while time passes: 24 bits, their overflows, and the SCI",
  qemu: { steps: true, lines: true, watch: { type: 'ioapic', inputs: [Sci] } },
  outputs: (machine) => Number(sci(machine).level),
  onRise: (machine, callback) => void sci(machine).connect((level) => level && callback()),
  act(random, add) {
    add(...place(Base, true));
    for (let left = 20; left > 0; left--) {
      const bit = random.below(2);
      random.weighted([
        [6, () => add(someTime(random), read(Port.Timer, 4))],
        [3, () => add(read(Port.Status, 2))],
        [2, () => add(out(Port.Status, 2, bit), read(Port.Status, 2))],
        [2, () => add(out(Port.Enable, 2, bit), read(Port.Enable, 2))],
        [1, () => add(out(Port.Control, 2, bit), read(Port.Control, 2))],
        [1, () => add(read(Port.Timer, random.pick([1, 2] as const)))],
      ]);
    }
  },
};
