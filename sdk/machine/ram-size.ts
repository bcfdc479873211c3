import { BackplaneError, GiB, MiB } from '../memory/index.ts';
import type { MachineDefinition } from './machine-definition.ts';

/** Why a machine cannot have so many bytes of RAM, or undefined. */
export function ramProblem(size: number): string | undefined {
  if (Number.isSafeInteger(size) && size >= 0 && size % 4096 === 0 && size <= 4 * GiB) return undefined;
  return 'give a whole number of 4 KiB pages up to 4 GiB, such as 128M';
}

/** Bytes of RAM of a new machine: what was asked for, the definition's, or 128 MiB. */
export function ramSizeOf(definition: MachineDefinition, asked: number | undefined): number {
  const size = asked ?? definition.defaultRam ?? 128 * MiB;
  const problem = ramProblem(size);
  if (problem === undefined) return size;
  throw new BackplaneError(`Machine '${definition.name}' cannot have ${size} bytes of RAM. G${problem.slice(1)}.`);
}
