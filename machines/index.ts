import type { MachineDefinition } from '../sdk/index.ts';
import { board } from './board.ts';
import { empty } from './empty.ts';
import { isapc } from './isapc.ts';
import { pcI440fx } from './pc-i440fx.ts';
import { q35 } from './q35.ts';

export { BoardMap, BoardSource, boardServices } from './board.ts';
export { pcFirmware } from './firmware/index.ts';
export { fillCmos } from './pc-cmos.ts';
export { type LowRam, type MemoryLayout, PciMemory, pcMemory } from './pc-memory.ts';
export { busBehindBridge, commonServices, isaOnly, pciBehindBridge } from './pc-services.ts';
export { q35PinWiring } from './q35.ts';
export { board, empty, isapc, pcI440fx, q35 };

/** The machines by name and by alias. */
export const machines: ReadonlyMap<string, MachineDefinition> = new Map(
  [pcI440fx, q35, isapc, board, empty].flatMap((machine) =>
    [machine.name, ...(machine.aliases ?? [])].map((name) => [name, machine] as const),
  ),
);
