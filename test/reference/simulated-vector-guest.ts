import type { GuestStep } from '../../sdk/accelerator/guest/access-step.ts';
import { guestProgram } from '../../sdk/accelerator/guest/program.ts';
import type { Guest } from '../../sdk/accelerator/guest/vocabulary.ts';
import type { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { indexBytes, type VectorOperation } from './vector-notation.ts';

/** Attaches the operations of a vector as a guest program. */
export function attachProgram(kernel: SimulatedKernel, vcpuFd: number, operations: readonly VectorOperation[]): void {
  const program = guestProgram('vector', function* (guest) {
    for (const operation of operations) yield* execute(guest, operation, 0);
  });
  kernel.processor(vcpuFd).attach(program.start());
}

function* execute(guest: Guest, operation: VectorOperation, index: number): GuestStep<void> {
  switch (operation.op) {
    case 'out': {
      const bytes = typeof operation.bytes === 'string' ? indexBytes(index, 1) : operation.bytes;
      const out = { 1: guest.out8, 2: guest.out16, 4: guest.out32 }[bytes.length]!;
      yield* out.call(guest, operation.port, littleEndian(bytes));
      return;
    }
    case 'in': {
      const read = { 1: guest.in8, 2: guest.in16, 4: guest.in32 }[operation.size]!;
      yield* read.call(guest, operation.port);
      return;
    }
    case 'store': {
      const store = { 1: guest.store8, 2: guest.store16, 4: guest.store32 }[operation.bytes.length]!;
      yield* store.call(guest, operation.address, littleEndian(operation.bytes));
      return;
    }
    case 'rep-outs': {
      const { size, count, data } = operation;
      const elements = Array.from({ length: count }, (_, element) =>
        littleEndian(
          typeof data === 'string' ? indexBytes(element, size) : data.slice(element * size, (element + 1) * size),
        ),
      );
      const repOuts = { 1: guest.repOuts8, 2: guest.repOuts16, 4: guest.repOuts32 }[size]!;
      yield* repOuts.call(guest, operation.port, elements);
      return;
    }
    case 'rep-ins': {
      const repIns = { 1: guest.repIns8, 2: guest.repIns16, 4: guest.repIns32 }[operation.size]!;
      const { port, count, destination, descending = false } = operation;
      yield* repIns.call(guest, port, count, { destination, descending });
      return;
    }
    case 'repeat':
      for (let time = 0; time < operation.times; time++) {
        for (const inner of operation.body) yield* execute(guest, inner, time);
      }
      return;
    case 'hlt':
      yield* guest.hlt();
  }
}

function littleEndian(bytes: readonly number[]): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
