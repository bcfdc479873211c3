import type { MachineDefinition } from '../sdk/index.ts';
import { empty } from './empty.ts';
import { isapc } from './isapc.ts';
import { pcI440fx } from './pc-i440fx.ts';

export { fillCmos } from './pc-cmos.ts';
export { PciMemory, pcMemory } from './pc-memory.ts';
export { busBehindBridge, commonServices, isaOnly } from './pc-services.ts';
export { empty, isapc, pcI440fx };

/** Every machine here, by name and by alias. */
export const machines: ReadonlyMap<string, MachineDefinition> = new Map(
  [pcI440fx, isapc, empty].flatMap((machine) =>
    [machine.name, ...(machine.aliases ?? [])].map((name) => [name, machine] as const),
  ),
);
