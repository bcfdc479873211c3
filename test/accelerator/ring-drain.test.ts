import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExitStatistics } from '../../sdk/accelerator/exit-statistics.ts';
import { DefaultExitCosts } from '../../sdk/accelerator/index.ts';
import { CoalescedRingLayout } from '../../sdk/accelerator/kvm/abi.ts';
import { RingProducer } from '../../sdk/accelerator/kvm/coalesced-ring.ts';
import { RingDrain } from '../../sdk/accelerator/kvm/ring-drain.ts';
import { RunRequests } from '../../sdk/accelerator/kvm/run-control.ts';
import { KernelExitStatistics } from '../../sdk/accelerator/kvm/scheduled/kernel-exit-statistics.ts';
import { MemoryTopology } from '../../sdk/memory/index.ts';
import { Unguarded } from '../../sdk/memory/reentrancy-guard.ts';
import { indexAndData, plainPort, type SmallDevice, SmallMachine } from './small-machine.ts';

/** A drain on a bare page, whose entries a test fills in; `delivered` is what reached the machine. */
function bareDrain(onWrite: (line: string) => void = () => undefined) {
  const page = new DataView(new ArrayBuffer(4096));
  const kernel = { now: 0, queuedSince: () => undefined };
  const topology = new MemoryTopology();
  const requests = new RunRequests();
  const statistics = new ExitStatistics(new KernelExitStatistics(), DefaultExitCosts);
  const delivered: string[] = [];
  const take = (line: string) => {
    delivered.push(line);
    onWrite(line);
  };
  const where = (isPort: boolean, address: number) => `${isPort ? 'port' : 'memory'} ${address.toString(16)}`;
  const access = {
    read: () => 0,
    read64: () => 0n,
    readBytes: () => undefined,
    write: (isPort: boolean, address: number, value: number, size: number) =>
      take(`${where(isPort, address)} = ${value.toString(16)}/${size}`),
    write64: (isPort: boolean, address: number, value: bigint) =>
      take(`${where(isPort, address)} = ${value.toString(16)}/8`),
    writeBytes: (isPort: boolean, address: number, source: Uint8Array) =>
      take(`${where(isPort, address)} = ${[...source].map((byte) => byte.toString(16)).join(' ')}/${source.length}`),
  };
  const vcpu = { id: 0, fd: -1, run: page, portData: page, ring: page };
  const drain = new RingDrain(kernel, vcpu, topology, access, requests, statistics);
  const setIndexes = (first: number, last: number) => {
    page.setUint32(CoalescedRingLayout.first, first, true);
    page.setUint32(CoalescedRingLayout.last, last, true);
  };
  return { page, drain, topology, requests, statistics, delivered, setIndexes, producer: new RingProducer(page) };
}

describe('a drain', () => {
  it('hands over every width, port and memory, and takes any word but 1 for memory', () => {
    const { drain, producer, delivered } = bareDrain();
    producer.append(0x70, 1, 1, 0xab, 0);
    producer.append(0xcf8, 4, 1, 0x80001234, 0);
    producer.append(0xa0000, 2, 0, 0x1234, 0);
    producer.append(0xa0008, 8, 0, 0x55667788, 0x11223344);
    producer.append(0xa0ffd, 3, 0, 0x030201, 0);
    producer.append(0x1_0000_0000, 1, 2, 0x0c, 0);
    expect(drain.drain()).toBe(6);
    expect(delivered).toEqual([
      'port 70 = ab/1',
      'port cf8 = 80001234/4',
      'memory a0000 = 1234/2',
      'memory a0008 = 1122334455667788/8',
      'memory a0ffd = 1 2 3/3',
      'memory 100000000 = c/1',
    ]);
    expect(drain.pending).toBe(0);
  });

  it('takes what was queued when it began: entries that come meanwhile are for the next one', () => {
    const parts = bareDrain(() => {
      parts.producer.append(0x70, 1, 1, parts.delivered.length, 0);
    });
    parts.producer.append(0x70, 1, 1, 0xff, 0);
    expect(parts.drain.drain()).toBe(1);
    expect(parts.delivered).toEqual(['port 70 = ff/1']);
    expect(parts.drain.drain()).toBe(1);
    expect(parts.delivered).toEqual(['port 70 = ff/1', 'port 70 = 1/1']);
    expect(parts.drain.pending).toBe(1);
  });

  it('moves `first` only after the entry was dispatched, and also if that threw', () => {
    const firsts: number[] = [];
    const parts = bareDrain((line) => {
      firsts.push(parts.page.getUint32(CoalescedRingLayout.first, true));
      if (line.startsWith('port 71')) throw new Error('broken handler');
    });
    for (const port of [0x70, 0x71, 0x72]) parts.producer.append(port, 1, 1, 0, 0);
    expect(() => parts.drain.drain()).toThrow('broken handler');
    expect(firsts).toEqual([0, 1]);
    expect(parts.drain.pending).toBe(1);
    expect(parts.drain.drain()).toBe(1);
    expect(firsts).toEqual([0, 1, 2]);
  });

  it('asked for inside itself is nothing: an entry never runs inside the handler of another', () => {
    const parts = bareDrain(() => expect(parts.drain.drain()).toBe(0));
    for (const value of [1, 2, 3]) parts.producer.append(0x70, 1, 1, value, 0);
    expect(parts.drain.drain()).toBe(3);
    expect(parts.drain.postponed).toBe(false);
  });

  it('asked for inside a device handler is put off, and delivers nothing there', () => {
    const { drain, producer, topology, delivered } = bareDrain();
    producer.append(0x70, 1, 1, 1, 0);
    topology.engaged.enter(Unguarded);
    expect(drain.drain()).toBe(0);
    expect(delivered).toEqual([]);
    expect(drain.postponed).toBe(true);
    topology.engaged.leave(Unguarded);
    expect(drain.drain()).toBe(1);
    expect(drain.postponed).toBe(false);
  });

  it('ends at a reset request, and what is behind it can only be discarded', () => {
    const parts = bareDrain((line) => {
      if (line.startsWith('port cf9')) parts.requests.reset = true;
    });
    for (const port of [0x70, 0xcf9, 0x70, 0x70]) parts.producer.append(port, 1, 1, 6, 0);
    expect(parts.drain.drain()).toBe(2);
    expect(parts.delivered).toEqual(['port 70 = 6/1', 'port cf9 = 6/1']);
    parts.drain.discard();
    expect(parts.statistics.discardedWrites).toBe(2);
    expect(parts.drain.pending).toBe(0);
  });

  it('delivers a full ring that wraps, in order', () => {
    const { drain, producer, delivered, setIndexes } = bareDrain();
    setIndexes(100, 100);
    let queued = 0;
    while (producer.append(0x70, 1, 1, queued & 0xff, 0) >= 0) queued++;
    expect(queued).toBe(169);
    expect(drain.drain()).toBe(169);
    expect(delivered).toEqual(Array.from({ length: 169 }, (_, value) => `port 70 = ${value.toString(16)}/1`));
  });

  it('survives any page: it neither throws nor runs on, and afterwards the ring is empty', () => {
    const index = fc.oneof(fc.integer({ min: 0, max: 169 }), fc.integer({ min: 0, max: 0xffff_ffff }));
    fc.assert(
      fc.property(index, index, fc.uint8Array({ minLength: 24, maxLength: 24 }), (first, last, entry) => {
        const { page, drain, setIndexes, delivered, statistics } = bareDrain();
        const bytes = new Uint8Array(page.buffer);
        for (let slot = 0; slot < 170; slot++) bytes.set(entry, 8 + slot * 24);
        setIndexes(first, last);
        const delivers = drain.drain();
        const isSound = first < 170 && last < 170;
        expect(delivers).toBe(isSound ? (last - first + 170) % 170 : 0);
        expect(delivered.length + (isSound ? statistics.damagedEntries : 0)).toBe(delivers);
        expect(drain.pending).toBe(0);
        // Empty again for both sides; where `last` is no slot, the kernel stores nothing more and every write exits.
        expect(page.getUint32(CoalescedRingLayout.first, true)).toBe(last);
        expect(drain.drain()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a drain that a handler causes', () => {
  it('waits until the outermost handler has returned, and comes before the vCPU goes on', () => {
    const machine: SmallMachine = new SmallMachine(
      [
        ...indexAndData(),
        {
          name: 'bar',
          at: 0x90,
          size: 1,
          write: () => {
            // A base address register moves a region: a transaction, which delivers queued writes first.
            machine.regions.get('plain')!.setEnabled(false);
            machine.accelerator.drain();
            machine.seen.push('handler returns');
          },
        },
        plainPort(),
      ],
      { drain: 'on-access' },
    );
    machine.run(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.out8(0x90, 2);
      machine.seen.push('next instruction');
      yield* guest.pause(1);
    });
    expect(machine.seen).toEqual(['out 0x90 = 0x2', 'handler returns', 'out 0x70 = 0x1', 'next instruction']);
  });

  it('loses no write of the same device, which the re-entrancy guard would refuse', () => {
    const host: SmallDevice[] = [
      { name: 'address', at: 0xcf8, size: 4, owner: 'host bridge', coalesced: { offset: 0, size: 4 } },
      {
        name: 'data',
        at: 0xcfc,
        size: 4,
        owner: 'host bridge',
        write: () => machine.topology.transaction(() => undefined),
      },
    ];
    const machine: SmallMachine = new SmallMachine(host, { vcpus: 2, drain: 'on-access' });
    machine.run([
      function* (guest) {
        for (let value = 0; value < 40; value++) yield* guest.out32(0xcf8, value);
      },
      function* (guest) {
        for (let value = 0; value < 40; value++) yield* guest.out32(0xcfc, value);
      },
    ]);
    machine.accelerator.drain();
    const addresses = machine.seen.filter((line) => line.startsWith('out 0xcf8'));
    expect(addresses).toEqual(Array.from({ length: 40 }, (_, value) => `out 0xcf8 = 0x${value.toString(16)}`));
  });
});

describe('any program', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('index' as const), value: fc.nat(255) }),
    fc.record({ kind: fc.constant('data' as const), value: fc.nat(255) }),
    fc.record({ kind: fc.constant('read' as const), value: fc.constant(0) }),
    fc.record({ kind: fc.constant('address' as const), value: fc.nat(0xffff) }),
    fc.record({ kind: fc.constant('screen' as const), value: fc.nat(0x1fff) }),
    fc.record({ kind: fc.constant('text' as const), value: fc.nat(200) }),
    fc.record({ kind: fc.constant('wait' as const), value: fc.nat(15_000_000) }),
  );

  it('shows its devices the same accesses in the same order, coalesced or not, by either policy', () => {
    const seenWith = (steps: readonly { kind: string; value: number }[], options: object) => {
      const machine = new SmallMachine(
        [
          ...indexAndData(),
          { name: 'address', at: 0xcf8, size: 4, coalesced: { offset: 0, size: 4 }, flush: true },
          { name: 'screen', at: 0xa0000, size: 0x20000, space: 'memory', coalesced: { offset: 0, size: 0x20000 } },
        ],
        options,
      );
      const outcome = machine.run(function* (guest) {
        for (const { kind, value } of steps) {
          if (kind === 'index') yield* guest.out8(0x70, value);
          else if (kind === 'data') yield* guest.out8(0x71, value);
          else if (kind === 'read') yield* guest.in8(0x71);
          else if (kind === 'address') yield* guest.out32(0xcf8, value);
          else if (kind === 'screen') yield* guest.store32(0xa0000 + value, value);
          else if (kind === 'text') yield* guest.repOuts8(0x70, new Uint8Array(value));
          else yield* guest.pause(value);
        }
      });
      machine.accelerator.drain();
      expect(outcome.reason).toBe('finished');
      return { seen: machine.seen, statistics: machine.accelerator.statistics.summary() };
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const exiting = seenWith(steps, { coalescedPio: false, coalescedMmio: false });
        const coalesced = seenWith(steps, {});
        const onAccess = seenWith(steps, { drain: 'on-access' });
        expect(coalesced.seen).toEqual(exiting.seen);
        expect(onAccess.seen).toEqual(exiting.seen);
        expect(exiting.statistics.coalescedWrites).toBe(0);
        expect(coalesced.statistics.longestWait).toBeLessThanOrEqual(10_000_000);
      }),
      { numRuns: 60 },
    );
  });
});
