import { type Guest, type GuestProgram, type GuestStep, guestProgram } from '../../accelerator/index.ts';
import { type Answer, formatValue, type ScriptStep } from './guest-script.ts';

/** The script for a simulated processor. What reads answer is put into `answers`, step by step. */
export function asGuestProgram(script: readonly ScriptStep[], answers: (Answer | undefined)[]): GuestProgram {
  return guestProgram('conformance', function* (guest) {
    for (const [index, step] of script.entries()) {
      if (step.kind === 'wait') yield* guest.pause(step.nanoseconds);
      else if (step.kind === 'write') yield* write(guest, step);
      else if (step.kind === 'read') answers[index] = formatValue(yield* read(guest, step), step.size);
    }
  });
}

function write(guest: Guest, { space, size, address, value }: ScriptStep & { kind: 'write' }): GuestStep<void> {
  const isPort = space === 'ports';
  const narrow = Number(value);
  if (size === 1) return isPort ? guest.out8(address, narrow) : guest.store8(address, narrow);
  if (size === 2) return isPort ? guest.out16(address, narrow) : guest.store16(address, narrow);
  if (size === 4) return isPort ? guest.out32(address, narrow) : guest.store32(address, narrow);
  return guest.store64(address, BigInt(value));
}

function read(guest: Guest, { space, size, address }: ScriptStep & { kind: 'read' }): GuestStep<number | bigint> {
  const isPort = space === 'ports';
  if (size === 1) return isPort ? guest.in8(address) : guest.load8(address);
  if (size === 2) return isPort ? guest.in16(address) : guest.load16(address);
  if (size === 4) return isPort ? guest.in32(address) : guest.load32(address);
  return guest.load64(address);
}
