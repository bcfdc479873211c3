import { describe, expect, it } from 'vitest';
import { AddressSpace, MemoryRegion, MemoryTopology, MiB, RegionOps } from '../../sdk/memory/index.ts';

const TiB = 2 ** 40;

function mebibytesGrownBy(touch: () => void): number {
  const before = process.memoryUsage().heapUsed;
  touch();
  return (process.memoryUsage().heapUsed - before) / MiB;
}

function spaceWith(topology: MemoryTopology, size: number): AddressSpace {
  const root = MemoryRegion.container(topology, 'system', 2 ** 64);
  const echo = (offset: number) => (offset / (4 * MiB)) & 0xff;
  const ops = new RegionOps({ device: null, routes: [{ offset: 0, size, read: echo }] });
  if (size > 0) root.addSubregion(0, MemoryRegion.io(topology, 'window', size, ops));
  return new AddressSpace(topology, 'memory', root);
}

describe('a guest that loads from everywhere', () => {
  it('makes no table grow where nobody answers', () => {
    const space = spaceWith(new MemoryTopology(), 0);
    let answers = 0;
    const grown = mebibytesGrownBy(() => {
      for (let at = 0; at < 100_000; at++) answers |= space.read(2 ** 32 + at * 4 * MiB, 1);
    });
    expect(answers).toBe(0);
    expect(grown).toBeLessThan(100);
  });

  it('makes the tables forget where a device answers in a terabyte, and still finds it', () => {
    const space = spaceWith(new MemoryTopology(), TiB);
    let wrong = 0;
    const grown = mebibytesGrownBy(() => {
      for (let at = 0; at < 200_000; at++) if (space.read(at * 4 * MiB, 1) !== (at & 0xff)) wrong++;
    });
    expect(wrong).toBe(0);
    expect(grown).toBeLessThan(200);
  });
});
