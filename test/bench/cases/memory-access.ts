import { AddressSpace, MemoryRegion, MemoryTopology } from '../../../sdk/memory/index.ts';
import type { BenchCase, Subject } from '../bench-case.ts';
import {
  accessSubject,
  type Direction,
  type Layout,
  memoryLayout,
  type Pattern,
  populate,
  portLayout,
  touchedOffsets,
} from '../populated-space.ts';

const regionCounts = [10, 100, 1000, 10_000];

function portSubject(direction: Direction, pattern: Pattern, layout: Layout): Subject {
  const topology = new MemoryTopology();
  const root = MemoryRegion.unassignedPorts(topology, 'io');
  return populatedSubject(new AddressSpace(topology, 'I/O', root), { direction, pattern, layout, size: 1 });
}

function memorySubject(direction: Direction, pattern: Pattern, layout: Layout): Subject {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container(topology, 'system', 2 ** 64);
  return populatedSubject(new AddressSpace(topology, 'memory', root), { direction, pattern, layout, size: 4 });
}

interface Populated {
  readonly direction: Direction;
  readonly pattern: Pattern;
  readonly layout: Layout;
  readonly size: number;
}

function populatedSubject(space: AddressSpace, { direction, pattern, layout, size }: Populated): Subject {
  populate(space.root, layout);
  const warm = space.flatView.ranges.map(({ start }) => start);
  return accessSubject(space, { direction, touched: touchedOffsets(pattern, layout), size, warm });
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
          prepare: () => portSubject(direction, pattern, portLayout(regions, classes)),
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
      prepare: () => memorySubject(direction, pattern, memoryLayout(regions, 20)),
    })),
  );
}

export const cases: readonly BenchCase[] = [
  ...portCases('read'),
  ...portCases('write'),
  ...memoryCases('read'),
  ...memoryCases('write'),
];
