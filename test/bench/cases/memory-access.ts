import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps } from '../../../sdk/memory/index.ts';
import { type BenchCase, bareClosureLoop, type Subject } from '../bench-case.ts';
import { deviceClasses } from '../device-classes.ts';

const operations = 8192;
const regionCounts = [10, 100, 1000, 10_000];
type Pattern = 'same' | 'burst' | 'random';
type Direction = 'read' | 'write';

/** Deterministic, so that every run touches the same registers. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function populate(root: MemoryRegion, regions: number, classes: number, stride: number, size: number): void {
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

function addresses(pattern: Pattern, regions: number, stride: number, size: number): Int32Array {
  const random = pseudoRandom(regions);
  const middle = (regions >> 1) * stride;
  return Int32Array.from({ length: operations }, (_, index) => {
    if (pattern === 'same') return middle;
    // A driver that programs one device: 64 accesses to neighbouring registers, then the next device.
    if (pattern === 'burst') return (Math.floor(index / 64) % regions) * stride + (index % 16) * 4;
    return Math.floor(random() * regions) * stride + Math.floor((random() * size) / 4) * 4;
  });
}

function subject(space: AddressSpace, direction: Direction, touched: Int32Array, size: number): Subject {
  // Every device once in every way first: the access path must have seen all classes.
  const warm = () => {
    let sum = 0;
    for (const { start } of space.flatView.ranges) {
      sum += space.read(start, size);
      space.write(start, 1, size);
    }
    return sum;
  };
  for (let round = 0; round < 40; round++) warm();
  const read = () => {
    let sum = 0;
    for (let index = 0; index < operations; index++) sum += space.read(touched[index]!, size);
    return sum;
  };
  const write = () => {
    for (let index = 0; index < operations; index++) space.write(touched[index]!, index, size);
  };
  const baseline = bareClosureLoop(operations, (index) => touched[index]! & 3, direction);
  return { operations, run: direction === 'read' ? read : write, baseline };
}

function portSubject(direction: Direction, pattern: Pattern, regions: number, classes: number): Subject {
  const topology = new MemoryTopology();
  const root = MemoryRegion.unassignedPorts(topology, 'io');
  const stride = Math.floor(0x1_0000 / regions);
  const size = Math.min(stride, 8);
  populate(root, regions, classes, stride, size);
  const space = new AddressSpace(topology, 'I/O', root);
  return subject(space, direction, addresses(pattern, regions, stride, size), 1);
}

function memorySubject(direction: Direction, pattern: Pattern, regions: number, classes: number): Subject {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container(topology, 'system', 2 ** 64);
  populate(root, regions, classes, 0x1000, 0x400);
  const space = new AddressSpace(topology, 'memory', root);
  return subject(space, direction, addresses(pattern, regions, 0x1000, 0x400), 4);
}

function portCases(direction: Direction): BenchCase[] {
  const table = `Ports, ${direction}s`;
  const cases = ([1, 20] as const).flatMap((classes) =>
    (['same', 'random'] as const).flatMap((pattern) =>
      regionCounts.map((regions): BenchCase => {
        const handlers = `${classes} handler ${classes === 1 ? 'class' : 'classes'}`;
        const what = pattern === 'same' ? 'one port' : 'random ports';
        return {
          table,
          name: `${what}, ${handlers}, ${regions} regions`,
          targetRatio: pattern === 'random' ? 25 : classes === 1 ? 8 : 12,
          ...(pattern === 'same' ? { series: `${what}, ${handlers}`, targetSpread: 1.3 } : {}),
          prepare: () => portSubject(direction, pattern, regions, classes),
        };
      }),
    ),
  );
  return cases;
}

function memoryCases(direction: Direction): BenchCase[] {
  return (['burst', 'random'] as const).flatMap((pattern) =>
    regionCounts.map((regions) => ({
      table: `Memory-mapped registers, ${direction}s`,
      name: `${pattern === 'burst' ? 'bursts' : 'random'}, 20 handler classes, ${regions} regions`,
      targetRatio: pattern === 'burst' ? 14 : 25,
      prepare: () => memorySubject(direction, pattern, regions, 20),
    })),
  );
}

export const cases: readonly BenchCase[] = [
  ...portCases('read'),
  ...portCases('write'),
  ...memoryCases('read'),
  ...memoryCases('write'),
];
