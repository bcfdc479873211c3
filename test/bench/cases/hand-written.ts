import { AddressSpace, MemoryRegion, MemoryTopology } from '../../../sdk/memory/index.ts';
import { type BenchCase, calledLoop, type Subject } from '../bench-case.ts';
import { type BenchDevice, deviceClasses } from '../device-classes.ts';
import { type Direction, operations, type Pattern, populate, portLayout, touchedOffsets } from '../populated-space.ts';

const ports = 0x1_0000;

/** What everyone would write by hand: an object for each port, without overlaps, widths, transactions or guards. */
class HandWrittenPort {
  constructor(
    readonly device: BenchDevice,
    readonly offset: number,
  ) {}

  read8(): number {
    return this.device.readRegister(this.offset) & 0xff;
  }
  read16(): number {
    return this.device.readRegister(this.offset) & 0xffff;
  }
  read32(): number {
    return this.device.readRegister(this.offset) >>> 0;
  }
  write8(value: number): void {
    this.device.writeRegister(value & 0xff, this.offset);
  }
  write16(value: number): void {
    this.device.writeRegister(value & 0xffff, this.offset);
  }
  write32(value: number): void {
    this.device.writeRegister(value >>> 0, this.offset);
  }
}

interface Comparison {
  readonly name: string;
  readonly regions: number;
  readonly classes: number;
  readonly pattern: Pattern;
  readonly targetRatio: number;
}

const comparisons: readonly Comparison[] = [
  { name: 'one port', regions: 100, classes: 1, pattern: 'same', targetRatio: 1.5 },
  { name: 'random ports of one class', regions: 100, classes: 1, pattern: 'random', targetRatio: 1.6 },
  { name: 'random ports of twenty classes', regions: 100, classes: 20, pattern: 'random', targetRatio: 1.4 },
  { name: 'random ports of 5,000 regions', regions: 5000, classes: 1, pattern: 'random', targetRatio: 2.2 },
];

function subject({ regions, classes, pattern }: Comparison, direction: Direction): Subject {
  const layout = portLayout(regions, classes);
  const topology = new MemoryTopology();
  const root = MemoryRegion.unassignedPorts(topology, 'io');
  populate(root, layout);
  const space = new AddressSpace(topology, 'I/O', root);
  const nothing = new deviceClasses[0]!('nothing');
  const byHand = Array.from({ length: ports }, (_, port) => {
    const range = space.lookup(port);
    const device = range?.region.owner as BenchDevice | undefined;
    return new HandWrittenPort(device ?? nothing, device === undefined ? port : port - range!.start);
  });
  const touched = touchedOffsets(pattern, layout);
  const [ours, theirs] =
    direction === 'read'
      ? [(port: number) => space.read(port, 1), (port: number) => byHand[port]!.read8()]
      : [(port: number) => space.write(port, port, 1), (port: number) => byHand[port]!.write8(port)];
  const [run, baseline] = calledLoop(touched, [ours, theirs]);
  return { operations, run: run!, baseline: baseline! };
}

export const cases: readonly BenchCase[] = (['read', 'write'] as const).flatMap((direction) =>
  comparisons.map((comparison) => ({
    table: `Port ${direction}s, against objects written by hand`,
    name: comparison.name,
    targetRatio: comparison.targetRatio,
    least: true as const,
    prepare: () => subject(comparison, direction),
  })),
);
