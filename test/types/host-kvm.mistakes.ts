/** Mistakes with the host's KVM that the compiler refuses; see devices.mistakes.ts. */
import { isapc } from 'backplane/machines';
import { FlatBinary, hostKvmAccelerator } from 'backplane/node';
import { Machine } from 'backplane/runtime';

const bytes = Uint8Array.of(0xfa, 0xf4);

export function right(): string {
  const accelerator = hostKvmAccelerator({ coalescedPio: false, drain: 'on-access', vcpus: 1 });
  const machine = Machine.create(isapc, { accelerator });
  return machine.run(new FlatBinary({ name: 'halt.bin', bytes, address: 0x1000, mode: 'long' })).reason;
}

export const wrong = () => [
  // @ts-expect-error nothing of the host is modelled
  hostKvmAccelerator({ costs: { kernel: 1, userspace: 2 } }),
  // @ts-expect-error the processors of the host take their turns without a seed
  hostKvmAccelerator({ seed: 1 }),
  // @ts-expect-error the mode is one of three
  new FlatBinary({ name: 'halt.bin', bytes, address: 0x1000, mode: 'unreal' }),
  // @ts-expect-error a flat binary has a place
  new FlatBinary({ name: 'halt.bin', bytes }),
  // @ts-expect-error machine code is bytes, not their text
  new FlatBinary({ name: 'halt.bin', bytes: 'fa f4', address: 0x1000 }),
];
