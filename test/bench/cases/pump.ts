import { pcI440fx } from '../../../machines/index.ts';
import type { GuestBody } from '../../../sdk/accelerator/index.ts';
import { guestProgram } from '../../../sdk/accelerator/index.ts';
import { hostNanoseconds } from '../../../sdk/clock/index.ts';
import { Machine } from '../../../sdk/machine/index.ts';
import { MiB } from '../../../sdk/memory/index.ts';
import type { BenchCase, Subject } from '../bench-case.ts';

/** Few enough for a turn of the host's scheduler: the least time is then that of the work alone. */
const operations = 4096;
const table = "The pump's cost on a run that uses nothing of it";

const exits: GuestBody = function* (guest) {
  for (let read = 0; read < operations; read++) yield* guest.in8(0x71);
};
const queued: GuestBody = function* (guest) {
  for (let value = 0; value < operations; value++) yield* guest.out8(0x70, value & 0x7f);
};

/**
 * A run in one go, and what `pump` makes of it: slices of about half a millisecond, and a look at the host's clock after each. Both on
 * one machine: two that are alike differ by some percent.
 */
function bothWays(body: GuestBody): Subject {
  const machine = Machine.create(pcI440fx, { ram: 16 * MiB });
  const guest = guestProgram(body);
  const { accelerator } = machine;
  return {
    operations,
    run() {
      machine.load(guest, {});
      accelerator.begin();
      let [end, looked]: [unknown, number] = ['under-way', 0];
      while (typeof end === 'string') {
        end = accelerator.runSlice({ operations: 1024, time: Number.POSITIVE_INFINITY, waits: false });
        looked += hostNanoseconds();
      }
      return looked;
    },
    baseline: () => machine.run(guest),
  };
}

export const cases: readonly BenchCase[] = [
  { name: 'in 0x71: an exit each', body: exits },
  { name: 'writes to 0x70, which are queued', body: queued },
].map(({ name, body }) => ({
  table,
  name: `${name}, against run()`,
  targetRatio: 1.01,
  least: true,
  prepare: () => bothWays(body),
}));
