import { describe, expect, it } from 'vitest';
import { BackplaneError } from '../../sdk/base/errors.ts';
import {
  describeRange,
  formatAddress,
  intersectRanges,
  MemoryRegion,
  MemoryTopology,
  RegionOps,
  rangeContains,
  subtractRange,
} from '../../sdk/memory/index.ts';
import { device, machine } from './support.ts';

const { topology, root, space } = machine();
const a = device(topology, 'a', 4);
const b = device(topology, 'b', 4);
const alias = MemoryRegion.alias(topology, 'window', a, 0, 4);
const ram = MemoryRegion.ram(topology, 'vram', 0x1000);
root.addSubregion(0, a);
b.addIoeventfd({ offset: 0, size: 1, fd: 5 });
const route = (offset: number, size: number) => ({ offset, size, read: () => 0 });

describe('every refusal says where, what, why and what to change', () => {
  it.each<[string, () => unknown]>([
    [
      "Region 'window': cannot hold 'b': an alias has no children. Add it to the target 'a'.",
      () => alias.addSubregion(0, b),
    ],
    [
      "Region 'b': cannot hold 'a': it is in 'root' already. Remove it there first, or add an alias of it.",
      () => b.addSubregion(0, a),
    ],
    ["Region 'root': cannot hold 'b': its priority is 1.5. Give a whole number.", () => root.addSubregion(0, b, 1.5)],
    [
      "Region 'a': cannot hold 'root': it contains this region, and a region cannot lie inside itself. Use an alias of a part.",
      () => a.addSubregion(0, root),
    ],
    [
      "Region 'root': cannot hold 'x': it belongs to another machine. Create both with one topology.",
      () => root.addSubregion(0, device(new MemoryTopology(), 'x', 1)),
    ],
    [
      "Region 'root': cannot remove 'b', which is in no container. Remove it from there.",
      () => root.removeSubregion(b),
    ],
    [
      "Region 'root': the address of 'b' is 0.5. Give a whole number from 0 to 2^53 - 1, or a multiple of 4 KiB up to 2^64.",
      () => root.addSubregion(0.5, b),
    ],
    [
      "Region 'root': the address of 'b' is 0x8000000000000001. Give a whole number from 0 to 2^53 - 1, or a multiple of 4 KiB up to 2^64.",
      () => root.addSubregion(0x8000000000000001n, b),
    ],
    [
      "Region 'c': its size is -0x1. Give a whole number from 0 to 2^53 - 1, or a multiple of 4 KiB up to 2^64.",
      () => MemoryRegion.container(topology, 'c', -1),
    ],
    [
      "Region 'vram': cannot grow to 0x2000 bytes, its memory has 0x1000. Create it with the largest size it will need.",
      () => ram.setSize(0x2000),
    ],
    [
      "Region 'bios': a rom stays read-only. Make it a ram region and set it read-only.",
      () => MemoryRegion.rom(topology, 'bios', 1).setReadOnly(false),
    ],
    ["Region 'a': only an alias has an offset in a target, and this is io.", () => a.setAliasOffset(4)],
    [
      "Region 'b': the ioeventfd with descriptor 5 at offset 0x0 is there already. Add it once.",
      () => b.addIoeventfd({ offset: 0, size: 1, fd: 5 }),
    ],
    [
      "Region 'b': the ioeventfd with descriptor 6 at offset 0x0 does not exist. Name it exactly as it was added.",
      () => b.removeIoeventfd({ offset: 0, size: 1, fd: 6 }),
    ],
    [
      "Region 'b': the ioeventfd with descriptor 6 at offset 0x0 has size 3. Use 1, 2, 4 or 8, or 0 for any width.",
      () => b.addIoeventfd({ offset: 0, size: 3, fd: 6 }),
    ],
    [
      "Region 'b': the ioeventfd with descriptor 6 at offset 0x0 matches a value of any width. Give it a size.",
      () => b.addIoeventfd({ offset: 0, size: 0, match: 1, fd: 6 }),
    ],
    [
      "Region 'root': the ioeventfd with descriptor 6 at offset 0x0 would never be written: a container takes no writes itself. Add it to the region that does.",
      () => root.addIoeventfd({ offset: 0, size: 1, fd: 6 }),
    ],
    [
      'Region ops: the largest accepted size is 3. An access is 1, 2, 4 or 8 bytes wide.',
      () => new RegionOps({ device: null, routes: [], valid: { max: 3 } }),
    ],
    [
      'Region ops: the smallest accepted size 4 is larger than the largest, 2. Swap them.',
      () => new RegionOps({ device: null, routes: [], valid: { min: 4, max: 2 } }),
    ],
    [
      'Region ops: two routes read the same bytes, at 0x0..0x3 and 0x2..0x5. Give each its own range, or different access sizes.',
      () => new RegionOps({ device: null, routes: [route(0, 4), route(2, 4)] }),
    ],
    [
      "Address space 'memory': an access at 0x10 is 8 bytes wide. Use 1, 2 or 4 here, read64 and write64 for 8, readBytes and writeBytes for more.",
      () => space.read(0x10, 8),
    ],
  ])('%s', (message, mistake) => {
    expect(mistake).toThrow(new BackplaneError(message));
    expect(topology.inTransaction).toBe(false);
  });
});

describe('ranges', () => {
  it('are cut, joined and printed without losing a byte', () => {
    const range = { start: 0xcf8, size: 4 };
    expect(subtractRange(range, { start: 0xcf9, size: 1 })).toEqual([
      { start: 0xcf8, size: 1 },
      { start: 0xcfa, size: 2 },
    ]);
    expect(subtractRange(range, { start: 0xcfc, size: 1 })).toEqual([range]);
    expect(subtractRange(range, { start: 0, size: 2 ** 64 })).toEqual([]);
    expect(intersectRanges(range, { start: 0xcfa, size: 0x10 })).toEqual({ start: 0xcfa, size: 2 });
    expect(intersectRanges(range, { start: 0xcfc, size: 1 })).toBeUndefined();
    expect([0xcf7, 0xcf8, 0xcfb, 0xcfc].map((at) => rangeContains(range, at))).toEqual([false, true, true, false]);
    expect(describeRange(0, 2 ** 64)).toBe('0x0..0xffffffffffffffff');
    expect([formatAddress(0x70), formatAddress(2n ** 64n - 1n), formatAddress(-1), formatAddress(0x70, 4)]).toEqual([
      '0000000000000070',
      'ffffffffffffffff',
      'ffffffffffffffff',
      '0070',
    ]);
  });
});
