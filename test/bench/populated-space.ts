import { type AddressSpace, MemoryRegion, RegionOps } from '../../sdk/memory/index.ts';
import { bareClosureLoop, type Subject } from './bench-case.ts';
import { deviceClasses } from './device-classes.ts';

export const operations = 8192;
export type Pattern = 'same' | 'burst' | 'random';
export type Direction = 'read' | 'write';

/** How regions lie: one every `stride` bytes, each `size` bytes long. */
export interface Layout {
  readonly regions: number;
  readonly classes: number;
  readonly stride: number;
  readonly size: number;
}

export function portLayout(regions: number, classes: number): Layout {
  const stride = Math.floor(0x1_0000 / regions);
  return { regions, classes, stride, size: Math.min(stride, 8) };
}

export function memoryLayout(regions: number, classes: number): Layout {
  return { regions, classes, stride: 0x1000, size: 0x400 };
}

/** Puts the regions there, one device each. */
export function populate(root: MemoryRegion, { regions, classes, stride, size }: Layout): void {
  const { topology } = root;
  topology.transaction(() => {
    for (let index = 0; index < regions; index++) {
      const device = new deviceClasses[index % classes]!(`device${index}`);
      const route = {
        offset: 0,
        size: Infinity,
        read: device.readRegister as never,
        write: device.writeRegister as never,
      };
      const ops = new RegionOps({ device, routes: [route], valid: { min: 1, max: 4 }, impl: { min: 1, max: 4 } });
      root.addSubregion(index * stride, MemoryRegion.io(topology, `region${index}`, size, ops, { owner: device }));
    }
  });
}

/** Deterministic, so that every run touches the same registers. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Offsets that are touched, one after the other. */
export function touchedOffsets(pattern: Pattern, { regions, stride, size }: Layout): number[] {
  const random = pseudoRandom(regions);
  const middle = (regions >> 1) * stride;
  return Array.from({ length: operations }, (_, index) => {
    if (pattern === 'same') return middle;
    // A driver that programs one device: 64 accesses to neighbouring registers, then the next device.
    if (pattern === 'burst') return (Math.floor(index / 64) % regions) * stride + (index % 16) * 4;
    return Math.floor(random() * regions) * stride + Math.floor((random() * size) / 4) * 4;
  });
}

export interface Accesses {
  readonly direction: Direction;
  readonly touched: readonly number[];
  readonly size: number;
  /** What must have been used before, in every way: the access path must have seen all classes. */
  readonly warm: readonly number[];
  /** What the nth write writes; n without it. */
  readonly valueAt?: (index: number) => number;
}

/** Loops over these accesses, against a loop over a bare closure with the same offsets. */
export function accessSubject(space: AddressSpace, accesses: Accesses): Subject {
  const { direction, size, warm, valueAt = (index) => index } = accesses;
  const touched = Int32Array.from(accesses.touched);
  const values = Int32Array.from({ length: operations }, (_, index) => valueAt(index));
  for (let round = 0; round < 40; round++) {
    for (const address of warm) space.write(address, space.read(address, size), size);
  }
  const read = () => {
    let sum = 0;
    for (let index = 0; index < operations; index++) sum += space.read(touched[index]!, size);
    return sum;
  };
  const write = () => {
    for (let index = 0; index < operations; index++) space.write(touched[index]!, values[index]!, size);
  };
  const baseline = bareClosureLoop(operations, (index) => touched[index]! & 3, direction);
  return { operations, run: direction === 'read' ? read : write, baseline };
}
