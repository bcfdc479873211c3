import { describe, expect, it } from 'vitest';
import { MemoryRegion } from '../../sdk/memory/index.ts';
import { expectRefusal } from '../refusal.ts';
import { Chronicle, device, machine, RecordingDevice } from './support.ts';

describe('coalesced ranges', () => {
  it('are clipped to what shows of their region', () => {
    const { topology, root, space } = machine();
    const listener = new Chronicle();
    topology.addListener(listener, space);
    const address = device(topology, 'pci-conf-idx', 4);
    root.addSubregion(0xcf8, address);
    address.addCoalescedIo({ offset: 0, size: 4 });
    expect([...listener.coalesced]).toEqual(['pci-conf-idx cf8+4']);
    const reset = device(topology, 'reset-control', 1);
    root.addSubregion(0xcf9, reset, 1);
    expect([...listener.coalesced].sort()).toEqual(['pci-conf-idx cf8+1', 'pci-conf-idx cfa+2']);
    reset.setEnabled(false);
    expect([...listener.coalesced]).toEqual(['pci-conf-idx cf8+4']);
  });

  it('show through every alias of their region', () => {
    const { topology, root, space } = machine();
    const listener = new Chronicle();
    const a = device(topology, 'a', 8);
    a.addCoalescedIo({ offset: 2, size: 4 });
    root.addSubregion(0x100, MemoryRegion.alias(topology, 'whole', a, 0, 8));
    root.addSubregion(0x200, MemoryRegion.alias(topology, 'half', a, 4, 4));
    topology.addListener(listener, space);
    expect([...listener.coalesced].sort()).toEqual(['a 102+4', 'a 200+2']);
    a.clearCoalescedIo();
    expect(listener.coalesced.size).toBe(0);
  });

  it('deliver queued writes before any access to their region, and before a partner that asks for it', () => {
    const { topology, root, space } = machine();
    let flushes = 0;
    const index = device(topology, 'index', 1);
    const data = device(topology, 'data', 1);
    const other = device(topology, 'other', 1);
    root.addSubregion(0x70, index);
    root.addSubregion(0x71, data);
    root.addSubregion(0x72, other);
    // Used before the ranges are added, so that what the tables copied must be forgotten.
    space.read(0x70, 1);
    space.read(0x71, 1);
    index.addCoalescedIo({ offset: 0, size: 1 });
    data.setFlushCoalescedIo();
    topology.coalescedIoFlusher = { flushCoalescedIo: () => flushes++ };
    space.read(0x71, 1);
    space.write(0x71, 1, 1);
    space.write(0x70, 1, 1);
    space.write(0x71, 0x1234, 2);
    expect(flushes).toBe(4);
    space.read(0x72, 1);
    expect(flushes).toBe(4);
  });

  it('take an explicit flush flag with them when cleared, but nothing when there were none', () => {
    const { topology } = machine();
    let flushes = 0;
    topology.coalescedIoFlusher = { flushCoalescedIo: () => flushes++ };
    const a = device(topology, 'a', 4);
    a.setFlushCoalescedIo();
    a.clearCoalescedIo();
    expect([a.flushCoalescedIo, flushes]).toEqual([true, 0]);
    a.addCoalescedIo({ offset: 0, size: 1 });
    a.clearFlushCoalescedIo();
    expect([a.flushCoalescedIo, flushes]).toEqual([true, 1]);
    a.clearCoalescedIo();
    expect([a.flushCoalescedIo, flushes]).toEqual([false, 2]);
    a.clearFlushCoalescedIo();
    expect(flushes).toBe(3);
  });

  it.each([
    [0, 0, 'empty-range', '0x0'],
    [0, 0.5, 'empty-range', '0.5'],
    [1, 2, 'range-outside-region', '0x1..0x2'],
    [-1, 1, 'range-outside-region', '-0x1'],
    [0, 1, 'coalesced-twice', '0x0'],
  ])('refuse offset %d size %d: %s', (offset, size, code, range) => {
    const { topology } = machine();
    const rtc = device(topology, 'rtc', 2);
    const before = code === 'coalesced-twice' ? 1 : 0;
    if (before === 1) rtc.addCoalescedIo({ offset: 0, size: 1 });
    expectRefusal(() => rtc.addCoalescedIo({ offset, size }), code, "'rtc'", range);
    expect(rtc.coalescedRanges).toHaveLength(before);
  });

  it('refuse a container and an alias', () => {
    const { topology, root } = machine();
    expectRefusal(() => root.addCoalescedIo({ offset: 0, size: 1 }), 'no-handlers', "'root'", 'container');
    const alias = MemoryRegion.alias(topology, 'window', device(topology, 'a', 1), 0, 1);
    expectRefusal(() => alias.addCoalescedIo({ offset: 0, size: 1 }), 'no-handlers', "'window'", 'alias', 'target');
  });
});

describe('a device that writes into its own registers', () => {
  it('is refused with zeros and an access error, in every one of its regions, and works again afterwards', () => {
    const { topology, root, space } = machine();
    const owner = { id: 'dma0' };
    const inner = new RecordingDevice();
    const outer = new RecordingDevice();
    const seen: number[] = [];
    outer.answer = () => {
      seen.push(
        topology.handlerDepth,
        space.read(0x10, 1),
        space.result,
        space.write(0x10, 1, 1),
        space.read(0, 2),
        space.result,
      );
      return 0x55;
    };
    const refused: string[] = [];
    topology.observer = {
      reentryRefused: (region, offset, size, isWrite) =>
        void refused.push(`${region.name}+${offset}/${size} ${isWrite}`),
    };
    root.addSubregion(0, MemoryRegion.io(topology, 'registers', 4, outer.ops(), { owner }));
    root.addSubregion(0x10, MemoryRegion.io(topology, 'buffer', 4, inner.ops(), { owner }));
    expect(space.read(0, 1)).toBe(0x55);
    expect(space.result).toBe(0);
    expect(seen).toEqual([1, 0, 4, 4, 0, 4]);
    expect(inner.calls).toEqual([]);
    expect(refused).toEqual(['buffer+0/1 false', 'buffer+0/1 true', 'registers+0/2 false']);
    expect(space.write(0x10, 7, 1)).toBe(0);
    expect(inner.calls).toEqual([{ kind: 'write', offset: 0, size: 1, value: 7 }]);
    expect(topology.handlerDepth).toBe(0);
  });

  it('may do so where its owner says that it knows, or has none', () => {
    const { topology, root, space } = machine();
    const outer = new RecordingDevice();
    const inner = new RecordingDevice();
    outer.answer = () => space.read(0x10, 1) + 1;
    inner.answer = () => topology.handlerDepth;
    const owner = { id: 'apic', reentrancyGuard: false };
    root.addSubregion(0, MemoryRegion.io(topology, 'registers', 4, outer.ops(), { owner }));
    root.addSubregion(0x10, MemoryRegion.io(topology, 'messages', 4, inner.ops(), { owner }));
    expect(space.read(0, 1)).toBe(3);
  });

  it('is released when its handler throws, on the short way and on the long one', () => {
    const { topology, root, space } = machine();
    const faulty = new RecordingDevice();
    faulty.answer = () => {
      throw new Error('a bug');
    };
    root.addSubregion(0, MemoryRegion.io(topology, 'faulty', 4, faulty.ops(), { owner: { id: 'x' } }));
    root.addSubregion(
      4,
      MemoryRegion.io(topology, 'split', 4, faulty.ops({ impl: { max: 1 } }), { owner: { id: 'y' } }),
    );
    for (const address of [0, 4]) {
      for (let time = 0; time < 2; time++) expect(() => space.read(address, 4)).toThrow('a bug');
    }
    expect(topology.handlerDepth).toBe(0);
  });

  it('keeps its guard when thousands of others appear meanwhile', () => {
    const { topology, root, space } = machine();
    const outer = new RecordingDevice();
    outer.answer = () => {
      for (let other = 0; other < 300; other++) {
        MemoryRegion.io(topology, 'new', 1, outer.ops(), { owner: { id: `new${other}` } });
      }
      space.read(0, 1);
      return space.result;
    };
    root.addSubregion(0, MemoryRegion.io(topology, 'registers', 4, outer.ops(), { owner: { id: 'hotplug' } }));
    expect([space.read(0, 1), space.read(0, 1)]).toEqual([4, 4]);
  });
});
