import * as machines from '../machines/index.ts';
import { type MachineDefinition, MiB } from '../sdk/index.ts';

/**
 * The machines of the package with little RAM, for tests to which its size does not matter. With 128 MiB each machine of a
 * test makes V8 collect the garbage of the whole heap, which takes longer than the rest of the test.
 */
const small = (definition: MachineDefinition): MachineDefinition => ({ ...definition, defaultRam: 2 * MiB });

export const isapc = small(machines.isapc);
export const pcI440fx = small(machines.pcI440fx);
export const q35 = small(machines.q35);
export const empty = small(machines.empty);
