import { describe, expect, it } from 'vitest';
import { AddressSpace, DirtyLogClient, MemoryRegion, MemoryTopology } from '../../sdk/memory/index.ts';
import { expectRefusal } from '../refusal.ts';
import { Chronicle, device, machine } from './support.ts';

describe('a transaction', () => {
  it('shows the old map until the outermost commit, then renders and notifies once', () => {
    const { topology, root, space } = machine();
    const listener = new Chronicle();
    topology.addListener(listener, space);
    listener.take();
    topology.begin();
    topology.transaction(() => root.addSubregion(0x10, device(topology, 'a', 4)));
    root.addSubregion(0x20, device(topology, 'b', 4));
    expect(topology.inTransaction).toBe(true);
    expect(space.lookup(0x10)).toBeUndefined();
    expect(listener.take()).toEqual([]);
    topology.commit();
    expect(space.lookup(0x11)?.region.name).toBe('a');
    expect(listener.take()).toEqual(['begin', 'add 10+4 a@0', 'add 20+4 b@0', 'commit']);
  });

  it('is committed even if its body throws, and refuses a commit that has no begin', () => {
    const { topology, root, space } = machine();
    const body = () => {
      root.addSubregion(0, device(topology, 'a', 4));
      throw new Error('half-way');
    };
    expect(() => topology.transaction(body)).toThrow('half-way');
    expect(space.lookup(0)?.region.name).toBe('a');
    expectRefusal(() => topology.commit(), 'commit-without-begin');
  });

  it('delivers queued writes at every begin, before the map changes', () => {
    const { topology, root, space } = machine();
    const seen: (string | undefined)[] = [];
    topology.coalescedIoFlusher = { flushCoalescedIo: () => void seen.push(space.lookup(0)?.region.name) };
    topology.transaction(() => root.addSubregion(0, device(topology, 'a', 4)));
    expect(seen).toEqual([undefined, undefined]);
    root.children[0]!.setEnabled(false);
    expect(seen).toEqual([undefined, undefined, 'a']);
  });

  it('says nothing where nothing changed', () => {
    const { topology, root, space } = machine();
    const a = device(topology, 'a', 4);
    root.addSubregion(0, a);
    const listener = new Chronicle();
    topology.addListener(listener, space);
    listener.take();
    topology.transaction(() => {});
    a.setEnabled(true);
    a.setReadOnly(false);
    a.setSize(4);
    a.setAddress(0);
    expect(listener.take()).toEqual([]);
    // A disabled region's flags are invisible; its place changes nothing either.
    a.setEnabled(false);
    expect(listener.take()).toEqual(['begin', 'del 0+4 a@0', 'commit']);
    a.setReadOnly(true);
    a.setAddress(8);
    expect(listener.take()).toEqual([]);
  });

  it('lets a listener change the map in turn: that is one more round', () => {
    const { topology, root, space } = machine();
    const b = device(topology, 'b', 4);
    const listener = new Chronicle();
    const follower = { name: 'follower', priority: 5, commit: () => void (b.container ?? root.addSubregion(8, b)) };
    topology.addListener(listener, space);
    root.addSubregion(0, device(topology, 'a', 4));
    topology.addListener(follower, space);
    listener.take();
    root.addSubregion(0x20, device(topology, 'c', 4));
    expect(space.lookup(8)?.region.name).toBe('b');
    expect(listener.take().filter((line) => line.startsWith('add'))).toEqual(['add 20+4 c@0']);
  });
});

describe('priorities among siblings', () => {
  it('let the higher one win, and the newest among equals', () => {
    const { topology, root, space } = machine();
    const low = device(topology, 'low', 8);
    const first = device(topology, 'first', 4);
    const second = device(topology, 'second', 4);
    root.addSubregion(0, first);
    root.addSubregion(2, second);
    root.addSubregion(0, low, -1);
    const owners = () => [0, 1, 2, 3, 4, 5, 6].map((address) => space.lookup(address)?.region.name);
    expect(owners()).toEqual(['first', 'first', 'second', 'second', 'second', 'second', 'low']);
    // Moving makes it the newest.
    first.setAddress(1);
    expect(owners()).toEqual(['low', 'first', 'first', 'first', 'first', 'second', 'low']);
    // Size and enabling keep the order.
    second.setSize(5);
    second.setEnabled(false);
    second.setEnabled(true);
    expect(owners()).toEqual(['low', 'first', 'first', 'first', 'first', 'second', 'second']);
  });

  it('compare only within one container', () => {
    const { topology, root, space } = machine();
    const bus = MemoryRegion.container(topology, 'bus', 8);
    bus.addSubregion(0, device(topology, 'strong', 4), 100);
    root.addSubregion(0, bus);
    root.addSubregion(0, device(topology, 'weak', 2), 1);
    expect([0, 2, 4].map((address) => space.lookup(address)?.region.name)).toEqual(['weak', 'strong', undefined]);
  });
});

describe('listeners', () => {
  it('hear additions by rising, removals by falling priority, and all removals first', () => {
    const { topology, root, space } = machine();
    const story: string[] = [];
    topology.addListener(new Chronicle('high', 10, story), space);
    topology.addListener(new Chronicle('low', 0, story), space);
    const a = device(topology, 'a', 4);
    a.addCoalescedIo({ offset: 0, size: 2 });
    root.addSubregion(0, a);
    story.length = 0;
    a.setAddress(4);
    expect(story).toEqual([
      'low: begin',
      'high: begin',
      'high: zone- a 0+2',
      'low: zone- a 0+2',
      'high: del 0+4 a@0',
      'low: del 0+4 a@0',
      'low: add 4+4 a@0',
      'high: add 4+4 a@0',
      'low: zone+ a 4+2',
      'high: zone+ a 4+2',
      'low: commit',
      'high: commit',
    ]);
  });

  it('hear of ioeventfds the other way round, and of those alone without begin and commit', () => {
    const { topology, root, space } = machine();
    const story: string[] = [];
    topology.addListener(new Chronicle('high', 10, story), space);
    topology.addListener(new Chronicle('low', 0, story), space);
    const doorbell = device(topology, 'doorbell', 4);
    root.addSubregion(0x40, doorbell);
    story.length = 0;
    doorbell.addIoeventfd({ offset: 2, size: 2, match: 1, fd: 7 });
    doorbell.removeIoeventfd({ offset: 2, size: 2, match: 1, fd: 7 });
    expect(story).toEqual(['high: eventfd+ 7@42', 'low: eventfd+ 7@42', 'low: eventfd- 7@42', 'high: eventfd- 7@42']);
  });

  it('see an ioeventfd move with its region, unclipped as long as it touches what shows', () => {
    const { topology, root, space } = machine();
    const listener = new Chronicle();
    const doorbell = device(topology, 'doorbell', 8);
    doorbell.addIoeventfd({ offset: 2, size: 4, fd: 7 });
    root.addSubregion(0x40, doorbell);
    root.addSubregion(0x44, device(topology, 'lid', 4), 1);
    const cover = device(topology, 'cover', 4);
    root.addSubregion(0x40, cover, 1);
    topology.addListener(listener, space);
    expect([...listener.eventfds]).toEqual([]);
    // Only its second half shows.
    cover.setSize(3);
    expect([...listener.eventfds]).toEqual([`7@${0x42}`]);
    doorbell.setAddress(0x50);
    expect([...listener.eventfds]).toEqual([`7@${0x52}`]);
    doorbell.setEnabled(false);
    expect([...listener.eventfds]).toEqual([]);
  });

  it('that come late hear everything that is: regions, coalesced ranges and ioeventfds, unlike in QEMU 8.1', () => {
    const { topology, root, space } = machine();
    const a = device(topology, 'a', 4);
    root.addSubregion(0x10, a);
    a.addCoalescedIo({ offset: 1, size: 2 });
    a.addIoeventfd({ offset: 0, size: 1, fd: 3 });
    const late = new Chronicle();
    topology.addListener(late, space);
    expect(late.take()).toEqual(['begin', 'add 10+4 a@0', 'zone+ a 11+2', 'eventfd+ 3@10', 'commit']);
    topology.removeListener(late);
    expect(late.take()).toEqual(['begin', 'eventfd- 3@10', 'zone- a 11+2', 'del 10+4 a@0', 'commit']);
    a.setAddress(0x20);
    expect(late.take()).toEqual([]);
  });

  it('of all spaces hear of a space that comes later, and of its end', () => {
    const { topology, root } = machine();
    root.addSubregion(0, device(topology, 'a', 4));
    const listener = new Chronicle();
    const other = MemoryRegion.container(topology, 'other', 8);
    other.addSubregion(4, device(topology, 'b', 2));
    topology.addListener(listener);
    expect(listener.take()).toEqual(['begin', 'add 0+4 a@0', 'commit']);
    const space = new AddressSpace(topology, 'other', other);
    expect(listener.take()).toEqual(['begin', 'add 4+2 b@0', 'commit']);
    space.dispose();
    expect(listener.take()).toEqual(['begin', 'del 4+2 b@0', 'commit']);
    expect(topology.addressSpaces.map(({ name }) => name)).toEqual(['memory']);
  });

  it('are registered once', () => {
    const { topology } = machine();
    const listener = new Chronicle('kvm-memory');
    topology.addListener(listener);
    expectRefusal(() => topology.addListener(listener), 'listener-registered-twice', "'kvm-memory'");
  });
});

describe('flat views', () => {
  it('are shared by spaces that show the same region, through whole aliases and single-child containers', () => {
    const topology = new MemoryTopology();
    const system = MemoryRegion.container(topology, 'system', 2 ** 64);
    system.addSubregion(0, device(topology, 'a', 4));
    system.addSubregion(8, device(topology, 'b', 4));
    const alias = MemoryRegion.alias(topology, 'bus-master', system, 0, 2 ** 64);
    const wrapper = MemoryRegion.container(topology, 'wrapper', 2 ** 64);
    wrapper.addSubregion(0, alias);
    const memory = new AddressSpace(topology, 'memory', system);
    const dma = new AddressSpace(topology, 'dma', wrapper);
    const part = new AddressSpace(topology, 'part', MemoryRegion.alias(topology, 'part', system, 4, 16));
    system.addSubregion(16, device(topology, 'c', 4));
    expect(dma.flatView).toBe(memory.flatView);
    expect(part.flatView).not.toBe(memory.flatView);
    expect(part.lookup(4)?.region.name).toBe('b');
    alias.setEnabled(false);
    expect(dma.flatView.ranges).toEqual([]);
  });

  it('resolve a root that is an alias of a region mapped elsewhere to that region from its first byte', () => {
    const { topology, root } = machine();
    const a = device(topology, 'a', 4);
    root.addSubregion(0x100, a);
    const space = new AddressSpace(topology, 'window', MemoryRegion.alias(topology, 'window', a, 0, 4));
    expect(space.lookup(3)).toMatchObject({ region: a, start: 0, offsetInRegion: 0 });
  });

  it('refuse a tree that contains itself', () => {
    const { topology, root } = machine();
    const mirror = MemoryRegion.alias(topology, 'mirror', root, 0, 0x10);
    expectRefusal(() => root.addSubregion(0, mirror), 'alias-loop', '0x0', '512');
  });
});

describe('dirty logging', () => {
  it('counts users, and tells listeners when the first comes and the last goes', () => {
    const { topology, root, space } = machine(0x4000);
    const ram = MemoryRegion.ram(topology, 'vram', 0x4000);
    root.addSubregion(0, ram);
    const listener = new Chronicle();
    topology.addListener(listener, space);
    listener.take();
    ram.setDirtyLog(DirtyLogClient.Vga, true);
    ram.setDirtyLog(DirtyLogClient.Vga, true);
    ram.setDirtyLog(DirtyLogClient.Vga, false);
    expect(listener.take()).toEqual(['begin', 'nop 0+4000 vram@0', 'log+ 0+4000 vram@0 0->1', 'commit']);
    ram.setDirtyLog(DirtyLogClient.Vga, false);
    expect(listener.take()).toEqual(['begin', 'nop 0+4000 vram@0', 'log- 0+4000 vram@0 1->0', 'commit']);
  });

  it('keeps each client its own pages, from stores and from the kernel', () => {
    const { topology, root, space } = machine(0x8000);
    const ram = MemoryRegion.ram(topology, 'vram', 0x8000);
    root.addSubregion(0, ram);
    space.write(0x1000, 1, 4);
    expect(ram.dirty.isDirty(DirtyLogClient.Vga, 0, 0x8000)).toBe(false);
    ram.setDirtyLog(DirtyLogClient.Vga, true);
    ram.setDirtyLog(DirtyLogClient.Migration, true);
    const kernel = { name: 'kvm', priority: 10, logSync: () => ram.dirty.markBitmap(0x4000, Uint8Array.of(0b1001)) };
    topology.addListener(kernel, space);
    space.write(0x1ffe, 0xffff_ffff, 4);
    const picture = ram.dirty.snapshotAndClear(DirtyLogClient.Vga);
    expect(picture.offsets).toEqual([0x1000, 0x2000, 0x4000, 0x7000]);
    expect(picture.isDirty(0x0fff)).toBe(false);
    expect(picture.isDirty(0x0fff, 2)).toBe(true);
    topology.removeListener(kernel);
    expect(ram.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([]);
    expect(ram.dirty.isDirty(DirtyLogClient.Migration, 0x7fff)).toBe(true);
  });

  it('of everything is announced first, and taken back last', () => {
    const { topology, root, space } = machine();
    root.addSubregion(0, MemoryRegion.ram(topology, 'ram', 0x1000));
    const listener = new Chronicle();
    topology.addListener(listener, space);
    listener.take();
    topology.globalDirtyLogStart();
    expect(listener.take()).toEqual([
      'log everything',
      'begin',
      'nop 0+1000 ram@0',
      'log+ 0+1000 ram@0 0->4',
      'commit',
    ]);
    const late = new Chronicle();
    topology.addListener(late, space);
    expect(late.take()).toEqual(['begin', 'log everything', 'add 0+1000 ram@0', 'log+ 0+1000 ram@0 0->4', 'commit']);
    topology.removeListener(late);
    topology.globalDirtyLogStop();
    expect(listener.take()).toEqual(['begin', 'nop 0+1000 ram@0', 'log- 0+1000 ram@0 4->0', 'commit', 'log nothing']);
  });
});
