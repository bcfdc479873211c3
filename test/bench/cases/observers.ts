import { isapc } from '../../../machines/index.ts';
import type { GuestOperation, GuestSource } from '../../../sdk/accelerator/guest/operation.ts';
import { OperationKind } from '../../../sdk/accelerator/guest/operation.ts';
import { defineObserver, Machine, simulatedAccelerator } from '../../../sdk/runtime.ts';
import type { BenchCase } from '../bench-case.ts';

const operations = 20_000;
const table = 'Observers: one guest access, exit and all, against a machine that was never observed';

/** Reads the RTC's data port again and again: each read is a userspace exit and nothing but. */
class Reader implements GuestSource {
  readonly name = 'reader';
  private left = 0;

  again(): void {
    this.left = operations;
  }

  next(operation: GuestOperation): boolean {
    if (this.left-- <= 0) return false;
    operation.kind = OperationKind.In;
    operation.address = 0x71;
    operation.size = 1;
    return true;
  }

  interrupt(): void {}
}

function runner(prepare: (machine: Machine) => void): () => void {
  const machine = Machine.create(isapc, { accelerator: simulatedAccelerator() });
  prepare(machine);
  const guest = new Reader();
  return () => {
    guest.again();
    machine.run(guest);
  };
}

let seen = 0;
const counter = defineObserver({ name: 'counter', start: () => ({ observe: () => void seen++ }) });

const observed = (name: string, prepare: (machine: Machine) => void, targetRatio?: number): BenchCase => ({
  table,
  name,
  ...(targetRatio === undefined ? {} : { targetRatio }),
  prepare: () => ({ operations, run: runner(prepare), baseline: runner(() => {}) }),
});

export const cases: readonly BenchCase[] = [
  observed('no observer (what the measurement itself wanders)', () => {}),
  observed('an observer came and went', (machine) => machine.observe(counter)(), 1.1),
  observed('an observer that counts', (machine) => void machine.observe(counter), 3),
];
