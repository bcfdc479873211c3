import type { Machine } from '../machine/index.ts';
import { formatFlatViews, formatMemoryTree } from '../memory/index.ts';
import { formatDeviceTree } from './device-tree.ts';

/** Texts about a machine, as `info` commands show them. Each looks at settled devices: what is queued is delivered first. */

export interface MemoryTreeRequest {
  /** `-f`: flat views, what addresses lead to, instead of the trees. */
  readonly flat?: boolean;
  /** `-D`: disabled regions too. */
  readonly disabled?: boolean;
  /** `-o`: whose they are. */
  readonly owners?: boolean;
}

/** `info mtree`, character by character as QEMU prints it. */
export function infoMtree(machine: Machine, { flat = false, ...options }: MemoryTreeRequest = {}): string {
  machine.settle();
  return flat ? formatFlatViews(machine.topology, options) : formatMemoryTree(machine.addressSpaces, options);
}

/** `info qtree`: buses, the devices on them, their options and where they are plugged in. */
export function infoQtree(machine: Machine): string {
  machine.settle();
  return formatDeviceTree(machine);
}
