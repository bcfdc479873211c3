import { describe, expect, it } from 'vitest';
import {
  describeRange,
  formatAddress,
  intersectRanges,
  MemoryRegion,
  MemoryTopology,
  RegionOps,
  subtractRange,
} from '../../sdk/memory/index.ts';
import { goldenMessages } from '../golden-messages.ts';
import { expectRefusal } from '../refusal.ts';
import { Chronicle, device, machine } from './support.ts';

const { topology, root, space } = machine();
const a = device(topology, 'a', 4);
const b = device(topology, 'b', 4);
const alias = MemoryRegion.alias(topology, 'window', a, 0, 4);
const ram = MemoryRegion.ram(topology, 'vram', 0x1000);
root.addSubregion(0, a);
b.addIoeventfd({ offset: 0, size: 1, fd: 5 });
b.addCoalescedIo({ offset: 0, size: 1 });
const route = (offset: number, size: number) => ({ offset, size, read: () => 0 });

const many = (size: number) => ({ offset: 0, size });
const otherMachine = new MemoryTopology();

goldenMessages('memory', {
  'access-sizes-reversed': () => new RegionOps({ device: null, routes: [], valid: { min: 4, max: 2 } }),
  'address-out-of-range': () => root.addSubregion(0.5, b),
  'alias-loop': () => {
    const looped = machine();
    looped.root.addSubregion(0, MemoryRegion.alias(looped.topology, 'mirror', looped.root, 0, 0x10));
  },
  'alias-with-children': () => alias.addSubregion(0, b),
  'coalesced-twice': () => b.addCoalescedIo(many(1)),
  'commit-without-begin': () => topology.commit(),
  'empty-range': () => a.addCoalescedIo(many(0)),
  'foreign-region': () => root.addSubregion(0, device(otherMachine, 'x', 1)),
  'handler-overlap': () => new RegionOps({ device: null, routes: [route(0, 4), route(2, 4)] }),
  'invalid-access-width': () => space.read(0x10, 8),
  'invalid-priority': () => root.addSubregion(0, b, 1.5),
  'ioeventfd-match-without-size': () => b.addIoeventfd({ offset: 0, size: 0, match: 1, fd: 6 }),
  'ioeventfd-twice': () => b.addIoeventfd({ offset: 0, size: 1, fd: 5 }),
  'listener-registered-twice': () => {
    const listener = new Chronicle('kvm-memory');
    topology.addListener(listener);
    topology.addListener(listener);
  },
  'no-handlers': () => alias.addCoalescedIo(many(1)),
  'not-a-subregion': () => root.removeSubregion(b),
  'not-an-alias': () => a.setAliasOffset(4),
  'ram-too-large': () => MemoryRegion.ram(topology, 'big', 2 ** 33),
  'ram-too-small': () => ram.setSize(0x2000),
  'range-outside-region': () => a.addCoalescedIo(many(8)),
  'region-inside-itself': () => a.addSubregion(0, root),
  'region-mapped-twice': () => b.addSubregion(0, a),
  'unknown-ioeventfd': () => b.removeIoeventfd({ offset: 0, size: 1, fd: 6 }),
  'writable-rom': () => MemoryRegion.rom(topology, 'bios', 1).setReadOnly(false),
});

describe('what is refused', () => {
  it.each<[string, string, () => unknown]>([
    ['address-out-of-range', '0x8000000000000001', () => root.addSubregion(0x8000000000000001n, b)],
    ['address-out-of-range', "'c'", () => MemoryRegion.container(topology, 'c', -1)],
    ['invalid-access-width', 'size 3', () => b.addIoeventfd({ offset: 0, size: 3, fd: 6 })],
    ['invalid-access-width', '3', () => new RegionOps({ device: null, routes: [], valid: { max: 3 } })],
    ['no-handlers', 'container', () => root.addIoeventfd({ offset: 0, size: 1, fd: 6 })],
    ['not-a-subregion', "'root'", () => a.removeSubregion(root)],
  ])('%s names %s', (code, named, mistake) => {
    expectRefusal(mistake, code, named);
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
    expect(describeRange(0, 2 ** 64)).toBe('0x0..0xffffffffffffffff');
    expect([formatAddress(0x70), formatAddress(2n ** 64n - 1n), formatAddress(-1), formatAddress(0x70, 4)]).toEqual([
      '0000000000000070',
      'ffffffffffffffff',
      'ffffffffffffffff',
      '0070',
    ]);
  });
});
