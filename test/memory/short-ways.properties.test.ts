import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps, type Route } from '../../sdk/memory/index.ts';
import { readSplit, writeSplit } from '../../sdk/memory/split-access.ts';
import { RecordingDevice } from './support.ts';

/** A port that is used often is called the short way. Whatever is mapped there, it does what the long way does. */

const region = fc.record({
  at: fc.nat(24),
  size: fc.integer({ min: 1, max: 9 }),
  priority: fc.nat(2),
  device: fc.nat(2),
  valid: fc.constantFrom({}, { min: 1, max: 4 }, { max: 1 }, { min: 2, max: 4 }, { max: 4, unaligned: true }),
  impl: fc.constantFrom({}, { max: 1 }, { min: 2, max: 2 }, { max: 4, unaligned: true }),
  endianness: fc.constantFrom('little' as const, 'big' as const),
  split: fc.boolean(),
  missing: fc.boolean(),
  attributes: fc.boolean(),
  flush: fc.boolean(),
  guarded: fc.boolean(),
  romd: fc.boolean(),
});
type Region = Parameters<typeof world>[0][number];

const access = fc.record({
  port: fc.integer({ min: 0, max: 36 }),
  size: fc.constantFrom(1, 2, 4, 3),
  isWrite: fc.boolean(),
  attributes: fc.constantFrom(1, 8, 0x30001),
});

/** Ports, or memory from `base` on, with these regions; each call of a handler also looks at a port of its own choice, as a DMA does. */
function world(regions: readonly (typeof region extends fc.Arbitrary<infer R> ? R : never)[], base = 0) {
  const topology = new MemoryTopology();
  const isMemory = base > 0xffff;
  const root = isMemory
    ? MemoryRegion.container(topology, 'memory', 2 ** 32)
    : MemoryRegion.unassignedPorts(topology, 'io');
  const log: string[] = [];
  topology.coalescedIoFlusher = { flushCoalescedIo: () => void log.push('flush') };
  topology.observer = {
    accessRefused: ({ name }, offset) => void log.push(`refused ${name}+${offset}`),
    reentryRefused: ({ name }, offset) => void log.push(`re-entered ${name}+${offset}`),
  };
  const devices = Array.from({ length: 3 }, () => new RecordingDevice());
  const space = new AddressSpace(topology, 'io', root);
  for (const [index, device] of devices.entries()) {
    const owner = { id: `device${index}` };
    device.answer = (offset, size) => {
      log.push(`device${index} read ${offset}/${size} inside ${topology.handlerDepth}`);
      if (topology.handlerDepth < 3) log.push(`then ${space.read(base + ((7 * offset + 11 * index) % 30), 1)}`);
      return 0x1_2345_6789 * (offset + 1);
    };
    for (const one of regions) if (one.device === index) add(one, device, owner);
  }

  function add(one: Region, device: RecordingDevice, owner: { id: string }): void {
    const whole: Route = { offset: 0, size: Number.POSITIVE_INFINITY, read: device.read, write: device.write };
    const second: Route = { ...whole, offset: 2, size: 2, withAttributes: one.attributes };
    const first: Route = { ...whole, size: one.missing ? 1 : Number.POSITIVE_INFINITY };
    const ops = new RegionOps({
      device,
      valid: one.valid,
      impl: one.impl,
      endianness: one.endianness,
      routes: one.split ? [first, second] : [whole],
      missing: { read: 'ones' },
    });
    const make = one.romd ? MemoryRegion.romDevice : MemoryRegion.io;
    const made = make(topology, `r${one.at}`, one.size, ops, one.guarded ? { owner } : {});
    made.ram?.bytes.fill(0x5a);
    if (one.flush) made.setFlushCoalescedIo();
    root.addSubregion(base + one.at, made, one.priority);
  }

  /** The general form of an access, in split-access.ts, is what all others have to do as. */
  const long = {
    read: (at: number, size: number, attributes: number) => readSplit(space, at, size, attributes),
    write: (at: number, value: number, size: number, attributes: number) =>
      writeSplit(space, at, value, size, attributes),
  };
  const run = (
    { port, size, isWrite, attributes }: typeof access extends fc.Arbitrary<infer A> ? A : never,
    way: Pick<AddressSpace, 'read' | 'write'> = space,
  ) => {
    log.length = 0;
    for (const device of devices) device.calls.length = 0;
    const answer = isWrite
      ? way.write(base + port, 0x89ab_cdef, size, attributes)
      : way.read(base + port, size, attributes);
    return {
      answer,
      result: space.result,
      depth: topology.handlerDepth,
      log: [...log],
      calls: devices.map(({ calls }) => [...calls]),
    };
  };
  return { space, topology, root, run, long };
}

describe('a port that is used often', () => {
  it.each([
    ['a port', 0],
    ['an address in memory', 0x10_0000],
  ])('%s answers as the long way does', (_, base) => {
    fc.assert(
      fc.property(
        fc.array(region, { maxLength: 6 }),
        fc.array(access, { minLength: 1, maxLength: 12 }),
        (regions, accesses) => {
          const used = world(regions, base);
          const fresh = world(regions, base);
          for (let round = 0; round < 20; round++) for (const one of accesses) used.run(one);
          for (const one of accesses) {
            expect(used.run(one)).toEqual(fresh.run(one, fresh.long));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is forgotten by a change of the map, and its device is asked no more', () => {
    const { space, root, topology } = world([]);
    const [before, after] = [new RecordingDevice(), new RecordingDevice()];
    const first = MemoryRegion.io(topology, 'before', 4, before.ops());
    root.addSubregion(0x10, first);
    for (let use = 0; use < 40; use++) expect([space.read(0x12, 2), space.write(0x10, use, 1)]).toEqual([0x2002, 0]);
    expect(before.calls).toHaveLength(80);
    root.addSubregion(0x12, MemoryRegion.io(topology, 'after', 1, after.ops()), 1);
    for (let use = 0; use < 40; use++) expect(space.read(0x12, 2)).toBe(0x2000);
    expect([before.calls.length, after.calls.length]).toEqual([80, 40]);
    root.removeSubregion(first);
    expect([space.read(0x10, 1), space.read(0x12, 1)]).toEqual([0xff, 0x1000 & 0xff]);
  });

  it('stays what it was when a port far above it is used first, and when its region reaches up there', () => {
    const { space, root, topology } = world([]);
    const device = new RecordingDevice();
    root.addSubregion(0xffe, MemoryRegion.io(topology, 'over', 4, device.ops()));
    const card = MemoryRegion.io(topology, 'card', 4, new RecordingDevice().ops());
    const both = () => [space.read(0xffe, 2), space.read(0x1000, 2), space.read(0xffff, 1), space.read(0xfff, 2)];
    const before = both();
    for (let use = 0; use < 40; use++) expect(space.read(0xffe, 2)).toBe(before[0]);
    root.addSubregion(0xc000, card);
    for (let use = 0; use < 40; use++) expect([...both(), space.read(0xc002, 2)]).toEqual([...before, 0x2002]);
    root.removeSubregion(card);
    for (let use = 0; use < 40; use++) expect([...both(), space.read(0xc002, 2)]).toEqual([...before, 0xffff]);
    expect(device.calls.length).toBeGreaterThan(320);
  });

  it('hears of an ioeventfd and of a flush flag that come later', () => {
    const { space, root, topology } = world([]);
    const device = new RecordingDevice();
    const made = MemoryRegion.io(topology, 'doorbell', 4, device.ops());
    root.addSubregion(0x10, made);
    const signals: number[] = [];
    let flushes = 0;
    topology.signalIoeventfd = (fd) => void signals.push(fd);
    topology.coalescedIoFlusher = { flushCoalescedIo: () => flushes++ };
    for (let use = 0; use < 40; use++) space.write(0x10, use, 1);
    made.setFlushCoalescedIo();
    for (let use = 0; use < 40; use++) space.write(0x10, use, 1);
    expect([device.calls.length, flushes]).toEqual([80, 40]);
    made.addIoeventfd({ offset: 0, size: 1, match: 7, fd: 3 });
    for (let use = 0; use < 40; use++) space.write(0x10, use, 1);
    expect([device.calls.length, signals]).toEqual([119, [3]]);
  });

  it('whose handler throws is left, and works again', () => {
    const { space, root, topology } = world([]);
    const device = new RecordingDevice();
    root.addSubregion(0x10, MemoryRegion.io(topology, 'broken', 1, device.ops(), { owner: { id: 'x' } }));
    for (let use = 0; use < 40; use++) space.read(0x10, 1);
    device.answer = () => {
      throw new Error('a bug');
    };
    for (let use = 0; use < 3; use++) expect(() => space.read(0x10, 1)).toThrow('a bug');
    expect(topology.handlerDepth).toBe(0);
    device.answer = () => 5;
    expect(space.read(0x10, 1)).toBe(5);
  });
});
