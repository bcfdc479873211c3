import { pcI440fx } from '../../../machines/index.ts';
import { type GuestSource, OperationKind } from '../../../sdk/accelerator/guest/operation.ts';
import { type GuestBody, guestProgram, simulatedAccelerator } from '../../../sdk/accelerator/index.ts';
import { Machine } from '../../../sdk/machine/index.ts';
import { MiB } from '../../../sdk/memory/index.ts';
import type { BenchCase } from '../bench-case.ts';

/** A sample then fits into one slice of a busy scheduler. */
const operations = 2048;
const table = 'A guest write to 0x70, from the vCPU to the device, in the simulated kernel';

/** A guest that writes the index of the clock over and over, with as little work of its own as there can be. */
function indexWriter(): GuestSource {
  let left = operations;
  return {
    name: 'index-writer',
    next(operation) {
      if (left === 0) return false;
      left--;
      operation.kind = OperationKind.Out;
      operation.address = 0x70;
      operation.size = 1;
      operation.value = left & 0x7f;
      return true;
    },
    interrupt() {},
  };
}

function writes(coalescedPio: boolean): () => unknown {
  const machine = Machine.create(pcI440fx, { ram: 16 * MiB, accelerator: simulatedAccelerator({ coalescedPio }) });
  return () => machine.run(indexWriter());
}

/** A program of as many operations; it is logged where it is to be saved in the middle. */
function program(body: GuestBody, savable = false): () => unknown {
  const machine = Machine.create(pcI440fx, { ram: 16 * MiB });
  const guest = guestProgram(body);
  return () => machine.run(guest, { savable });
}

const changingWrites: GuestBody = function* (guest) {
  for (let value = 0; value < operations; value++) yield* guest.out8(0x70, value & 0x7f);
};

const reads: GuestBody = function* (guest) {
  for (let read = 0; read < operations; read++) yield* guest.in8(0x71);
};

const programs = 'A guest program in the simulated kernel';

export const cases: readonly BenchCase[] = [
  {
    table: programs,
    name: 'coalesced writes of changing values to 0x70',
    // 65 % of the 60 calls that this row took at 430267f, when every program was logged.
    targetRatio: 39,
    least: true,
    prepare: () => ({ operations, run: program(changingWrites) }),
  },
  {
    table: programs,
    name: 'the same, of a program that can be saved, against one that cannot',
    targetRatio: 1.5,
    least: true,
    prepare: () => ({ operations, run: program(changingWrites, true), baseline: program(changingWrites) }),
  },
  {
    table: programs,
    name: 'in 0x71: an exit each, which delivers what is queued',
    prepare: () => ({ operations, run: program(reads) }),
  },
  {
    table,
    name: 'coalesced: queued, and delivered when the ring is full',
    prepare: () => ({ operations, run: writes(true) }),
  },
  { table, name: 'exiting: one userspace exit each', prepare: () => ({ operations, run: writes(false) }) },
  {
    table,
    name: 'exiting, against coalesced instead of the bare call',
    prepare: () => ({ operations, run: writes(false), baseline: writes(true) }),
  },
];
