import { I440fx } from '../../../devices/index.ts';
import { pcI440fx } from '../../../machines/index.ts';
import type { BankAccess } from '../../../sdk/device/index.ts';
import { Machine } from '../../../sdk/machine/index.ts';
import { type AddressSpace, MemoryRegion, MiB } from '../../../sdk/memory/index.ts';
import { configRegisters } from '../../../sdk/pci.ts';
import { type BenchCase, calledLoop, type Subject } from '../bench-case.ts';
import {
  accessSubject,
  type Direction,
  type Layout,
  memoryLayout,
  operations,
  type Pattern,
  populate,
  portLayout,
  touchedOffsets,
} from '../populated-space.ts';

/** Behind the RAM of the machine below, in front of what lies under 4 GiB. */
const freeMemory = 0x2000_0000;

/** CMOS memory without a meaning: reading and writing it is all that the clock does. */
const Scratch = 0x5f;
/** Offsets in the configuration of the host bridge. */
const [RamSize, Undeclared] = [0x57, 0x50] as const;

/** Ports of every chip of the machine that may be read and written again and again, and what is written there. */
const chipPorts: readonly (readonly [port: number, value: number])[] = [
  [0x21, 0xff],
  [0x70, Scratch],
  [0x71, 0x55],
  [0xa1, 0xff],
  [0x4d0, 0],
  [0x4d1, 0],
  [0xcfc, 0],
];

function machine(): Machine {
  const built = Machine.create(pcI440fx, { ram: 16 * MiB });
  // Byte 0 of the host bridge, its vendor, is read-only: writing it is harmless.
  built.io.write(0xcf8, 0x8000_0000, 4);
  built.io.write(0x70, Scratch, 1);
  return built;
}

function clockSubject(direction: Direction): Subject {
  const touched = Array.from({ length: operations }, () => 0x71);
  return accessSubject(machine().io, { direction, touched, size: 1, warm: [0x71] });
}

function chipSubject(direction: Direction): Subject {
  const nth = (index: number) => chipPorts[index % chipPorts.length]!;
  const touched = Array.from({ length: operations }, (_, index) => nth(index)[0]);
  return accessSubject(machine().io, { direction, touched, size: 1, warm: [], valueAt: (index) => nth(index)[1] });
}

/** A declared register of configuration space, the size of RAM, against a byte of it without a register. */
function configurationSubject(direction: Direction): Subject {
  const bus = machine().device(I440fx).registerAccess(configRegisters) as BankAccess;
  const touched = Array.from({ length: operations }, () => 0);
  const access = (offset: number) => () => {
    if (direction === 'read') return bus.read(offset, 1);
    return bus.write(offset, 0x02, 1);
  };
  const [declared, free] = calledLoop(touched, [access(RamSize), access(Undeclared)]);
  return { operations, run: declared!, baseline: free! };
}

function screenSubject(direction: Direction): Subject {
  const touched = Array.from({ length: operations }, (_, index) => 0xb8000 + ((index * 2) % 4000));
  return accessSubject(machine().memory, { direction, touched, size: 2, warm: [0xb8000] });
}

/** The machine with so many more regions of twenty classes, wherever it leaves room. */
function crowdedSubject(space: AddressSpace, base: number, accesses: Crowd): Subject {
  const { layout, size } = accesses;
  const crowd = MemoryRegion.container(space.root.topology, 'crowd', layout.regions * layout.stride);
  populate(crowd, layout);
  space.root.addSubregion(base, crowd, -1);
  const warm = space.flatView.ranges.filter(({ region }) => region.container === crowd).map(({ start }) => start);
  const free = touchedOffsets(accesses.pattern, layout)
    .map((offset) => base + offset)
    .filter((address) => space.lookup(address)?.region.container === crowd);
  const touched = Array.from({ length: operations }, (_, index) => free[index % free.length]!);
  return accessSubject(space, { direction: accesses.direction, touched, size, warm });
}

interface Crowd {
  readonly direction: Direction;
  readonly pattern: Pattern;
  readonly layout: Layout;
  readonly size: number;
}

function portCases(direction: Direction): BenchCase[] {
  const table = `Ports through the whole pc, ${direction}s`;
  const crowded = (['same', 'random'] as const).flatMap((pattern) =>
    [10, 10_000].map((regions): BenchCase => {
      const what = `${pattern === 'same' ? 'one port' : 'random ports'}, 20 handler classes`;
      return {
        table,
        name: `${what}, ${regions} regions more`,
        targetRatio: pattern === 'same' ? 12 : 25,
        ...(pattern === 'same' ? { series: what, targetSpread: 1.3 } : {}),
        prepare: () =>
          crowdedSubject(machine().io, 0, { direction, pattern, layout: portLayout(regions, 20), size: 1 }),
      };
    }),
  );
  return [
    { table, name: 'one port, the clock alone', targetRatio: 8, prepare: () => clockSubject(direction) },
    // No target: what the chips do is most of it. A write to 0xcfc, say, is a PCI configuration cycle.
    { table, name: 'ports of all chips in turn, their own work included', prepare: () => chipSubject(direction) },
    {
      table,
      name: 'PCI configuration: a declared register against a byte without one',
      targetRatio: 10,
      prepare: () => configurationSubject(direction),
    },
    ...crowded,
  ];
}

function memoryCases(direction: Direction): BenchCase[] {
  const table = `Memory-mapped registers through the whole pc, ${direction}s`;
  const crowded = (['burst', 'random'] as const).flatMap((pattern) =>
    [10, 10_000].map((regions): BenchCase => {
      const crowd = { direction, pattern, layout: memoryLayout(regions, 20), size: 4 };
      return {
        table,
        name: `${pattern === 'burst' ? 'bursts' : 'random'}, 20 handler classes, ${regions} regions more`,
        targetRatio: pattern === 'burst' ? 14 : 25,
        prepare: () => crowdedSubject(machine().memory, freeMemory, crowd),
      };
    }),
  );
  return [
    { table, name: 'bursts, the text screen alone', targetRatio: 14, prepare: () => screenSubject(direction) },
    ...crowded,
  ];
}

export const cases: readonly BenchCase[] = [
  ...portCases('read'),
  ...portCases('write'),
  ...memoryCases('read'),
  ...memoryCases('write'),
];
