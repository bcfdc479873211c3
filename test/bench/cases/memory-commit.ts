import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps } from '../../../sdk/memory/index.ts';
import type { BenchCase, Subject } from '../bench-case.ts';

/** Regions of 0x400 bytes in a shuffled order over some RAM, and one that moves: the commit renders everything anew. */
function commitSubject(regions: number): Subject {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container(topology, 'system', 2 ** 64);
  const ops = new RegionOps({ device: null, routes: [] });
  topology.transaction(() => {
    root.addSubregion(0, MemoryRegion.ram(topology, 'ram', 0x10_0000), -1);
    for (let index = 0; index < regions; index++) {
      const place = (index * 7919) % regions;
      root.addSubregion(place * 0x1000, MemoryRegion.io(topology, `region${index}`, 0x400, ops), place % 3);
    }
  });
  const space = new AddressSpace(topology, 'memory', root);
  const moving = root.children[regions >> 1]!;
  const home = moving.address;
  let away = 0;
  return {
    operations: 1,
    run: () => {
      away ^= 0x800;
      moving.setAddress(home + away);
      // The first access after a commit builds what the commit left to be built.
      return space.read(home, 4);
    },
    baseline: () => 0,
  };
}

export const cases: readonly BenchCase[] = [10, 100, 1000, 10_000].map((regions) => ({
  table: 'Commit of a change, whole flat view rendered, first access included',
  name: `${regions} regions`,
  targetMilliseconds: 5,
  prepare: () => commitSubject(regions),
}));
