import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryRegion } from '../../sdk/index.ts';
import { AddressSpace, explainCoalescedIo, MemoryTopology, RegionOps } from '../../sdk/runtime.ts';

const Base = 16;
const Size = 24;

const lid = fc.record({
  start: fc.nat(56),
  size: fc.integer({ min: 1, max: 12 }),
  priority: fc.integer({ min: -1, max: 1 }),
});
const scene = fc.record({
  lids: fc.array(lid, { maxLength: 6 }),
  offset: fc.nat(Size - 1),
  size: fc.integer({ min: 1, max: Size }),
  widest: fc.constantFrom(1, 2, 4),
  unaligned: fc.boolean(),
});

it('counts for every width exactly the writes that one zone holds, for any lids over the region', () => {
  fc.assert(
    fc.property(scene, ({ lids, offset, size, widest, unaligned }) => {
      const declared = { offset, size: Math.min(size, Size - offset) };
      const topology = new MemoryTopology();
      const io = new AddressSpace(topology, 'I/O', MemoryRegion.unassignedPorts(topology, 'io'));
      const memory = new AddressSpace(topology, 'memory', MemoryRegion.container(topology, 'system', 2 ** 64));
      const sizes = { max: widest, unaligned };
      const ops = new RegionOps({
        device: null,
        routes: [{ offset: 0, size: Infinity, write() {} }],
        valid: sizes,
        impl: sizes,
      });
      const region = MemoryRegion.io(topology, 'target', Size, ops);
      const silent = new RegionOps({ device: null, routes: [] });
      topology.transaction(() => {
        io.root.addSubregion(Base, region);
        for (const { start, size: bytes, priority } of lids) {
          io.root.addSubregion(start, MemoryRegion.io(topology, 'lid', bytes, silent), priority);
        }
      });
      region.addCoalescedIo(declared);

      const shows = (at: number) => io.lookup(Base + at)?.region === region;
      const expected = [1, 2, 4]
        .filter((width) => width <= widest)
        .flatMap((width) => {
          let places = 0;
          let fitting = 0;
          for (let at = declared.offset; at + width <= declared.offset + declared.size; at++) {
            if (!unaligned && at % width !== 0) continue;
            places++;
            if (Array.from({ length: width }, (_, byte) => shows(at + byte)).every(Boolean)) fitting++;
          }
          return places === 0 ? [] : [{ width, places, fitting }];
        });

      const [report] = explainCoalescedIo({ io, memory, devices: [] });
      expect(report?.widths).toEqual(expected);
      const some = expected.some(({ fitting }) => fitting > 0);
      const all = expected.every(({ fitting, places }) => fitting === places);
      expect(report?.verdict).toBe(!some ? 'dead' : all ? 'alive' : 'narrowed');
    }),
    { numRuns: 300 },
  );
});
