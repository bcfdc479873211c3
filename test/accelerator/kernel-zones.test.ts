import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Capability, Errno, SystemRequest, VmRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { BusAnswer, type BusDevice, IoBus } from '../../sdk/accelerator/kvm/simulated-kernel/io-bus.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { expectRefusal } from '../refusal.ts';
import { KernelBench } from './kernel-bench.ts';

const Unregister = VmRequest.UnregisterCoalescedMmio;

interface NaiveZone {
  readonly address: number;
  readonly size: number;
  readonly pio: number;
}

/** Whether one zone alone holds the whole range. */
const holds = (zone: NaiveZone, address: number, size: number) =>
  address >= zone.address && address + size <= zone.address + zone.size;

/** Whether zones lie side by side, or are the same one: nesting ranges have no total order on KVM's bus. */
const sideBySide = (zones: readonly NaiveZone[]) =>
  zones.every((a) =>
    zones.every(
      (b) =>
        (a.address === b.address && a.size === b.size) ||
        a.address + a.size <= b.address ||
        b.address + b.size <= a.address,
    ),
  );

describe('coalesced zones', () => {
  const zone = fc.record({
    address: fc.integer({ min: 0x60, max: 0x80 }),
    size: fc.integer({ min: 1, max: 6 }),
    pio: fc.constant(1),
  });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('register' as const), zone }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('unregister' as const), zone }) },
  );
  const access = fc.record({ port: fc.integer({ min: 0x5d, max: 0x86 }), size: fc.constantFrom(1, 2, 4) });

  it('queue exactly the writes that lie wholly inside one zone, whatever was registered and removed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.array(access, { maxLength: 40 }), (steps, accesses) => {
        const bench = new KernelBench();
        let zones: NaiveZone[] = [];
        for (const { kind, zone } of steps) {
          if (kind === 'register') {
            if (!sideBySide([...zones, zone])) continue;
            expect(bench.zone(zone.address, zone.size, 1)).toBe(0);
            zones.push(zone);
          } else {
            expect(bench.zone(zone.address, zone.size, 1, Unregister)).toBe(0);
            zones = zones.filter((known) => !holds(known, zone.address, zone.size));
          }
        }
        bench.attach(function* (guest) {
          for (const { port, size } of accesses)
            yield* size === 1 ? guest.out8(port, 1) : size === 2 ? guest.out16(port, 2) : guest.out32(port, 4);
        });
        const exits: string[] = [];
        while (bench.run() === 0) exits.push(bench.exit);
        const fits = ({ port, size }: { port: number; size: number }) =>
          zones.some((known) => holds(known, port, size));
        expect(bench.drain().map(({ address }) => address)).toEqual(accesses.filter(fits).map(({ port }) => port));
        expect(exits).toEqual(
          accesses.filter((one) => !fits(one)).map(({ port, size }) => `out 0x${port.toString(16)}/${size}`),
        );
      }),
      { numRuns: 80 },
    );
  });

  it('at the end of the address space register, and hold nothing', () => {
    const bench = new KernelBench();
    expect(bench.zone(2n ** 64n - 1n, 16, 1)).toBe(0);
    expect(bench.zone(2n ** 64n - 1n, 16, 1, Unregister)).toBe(0);
    bench.attach(function* (guest) {
      yield* guest.out8(0x03, 1);
    });
    bench.run();
    expect(bench.exit).toBe('out 0x3/1');
  });

  it('of 2 GiB and more are not removed by their own range, which is negative to the kernel', () => {
    const bench = new KernelBench();
    bench.zone(0, 0xffff_ffff, 1);
    bench.zone(0, 0xffff_ffff, 1, Unregister);
    bench.attach(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.out8(0x70, 2);
    });
    bench.kernel.processor(bench.vcpuFds[0]!).slice = 1;
    expect([bench.run(), bench.ring.pending]).toEqual([Errno.EINTR, 1]);
    bench.zone(0x70, 1, 1, Unregister);
    bench.kernel.processor(bench.vcpuFds[0]!).slice = 1;
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x70/1']);
  });

  it('on a kernel without COALESCED_PIO are memory zones, whatever the pio word says', () => {
    const bench = new KernelBench({ capabilities: { [Capability.CoalescedPio]: 0 } });
    expect(bench.kernel.ioctl(bench.vmFd, SystemRequest.CheckExtension, Capability.CoalescedPio)).toBe(0);
    expect(bench.zone(0x70, 1, 7)).toBe(0);
    bench.attach(function* (guest) {
      yield* guest.out8(0x70, 1);
      yield* guest.store8(0x70, 2);
      yield* guest.hlt();
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'out 0x70/1']);
    expect([bench.run(), bench.exit]).toEqual([0, 'exit 5']);
    expect(bench.drain()).toEqual([{ address: 0x70, value: 2 }]);
  });

  it('on a kernel without COALESCED_MMIO do not exist: no request, no ring page, a smaller mapping', () => {
    const old = new SimulatedKernel({ capabilities: { [Capability.CoalescedMmio]: 0 } });
    const system = old.open('/dev/kvm');
    const vm = old.ioctl(system, SystemRequest.CreateVm, 0);
    expect(old.ioctl(system, SystemRequest.GetVcpuMmapSize, 0)).toBe(8192);
    expect(old.ioctl(vm, VmRequest.RegisterCoalescedMmio, new Uint8Array(16))).toBe(-1);
    expect(old.errno).toBe(Errno.ENOTTY);
    const vcpu = old.ioctl(vm, VmRequest.CreateVcpu, 0);
    expectRefusal(() => old.mapVcpuPage(vcpu, 2), 'invalid-kernel-call', 'page 2');
  });
});

describe("KVM's I/O bus", () => {
  const device = (taken: string[], name: string, accepts = true): BusDevice => ({
    countsAgainstLimit: true,
    write: () => {
      taken.push(name);
      return accepts ? BusAnswer.Queued : BusAnswer.NotTaken;
    },
    takes: () => accepts,
  });

  it('offers a write to every device that matches, shorter ranges at the same start first, until one takes it', () => {
    const offered: string[] = [];
    const bus = new IoBus();
    bus.register(0xcf8n, 4, device(offered, 'four', false));
    bus.register(0xcf8n, 1, device(offered, 'one', false));
    bus.register(0xcf8n, 2, device(offered, 'two', false));
    expect(bus.write(0xcf8, 1, 0, 0)).toBe(BusAnswer.NotTaken);
    expect(offered).toEqual(['one', 'two', 'four']);
  });

  it('keeps exact ties in order of registration', () => {
    const offered: string[] = [];
    const bus = new IoBus();
    for (const name of ['first', 'second', 'third']) bus.register(0x70n, 1, device(offered, name, name === 'third'));
    bus.write(0x70, 1, 0, 0);
    expect(offered).toEqual(['first', 'second', 'third']);
  });

  it('finds every one of a thousand devices, and refuses the next', () => {
    const offered: string[] = [];
    const bus = new IoBus();
    for (let port = 0; port < 1000; port++) {
      const address = (port * 617) % 1000;
      expect(bus.register(BigInt(address), 1, device(offered, String(address)))).toBe(0);
    }
    expect(bus.register(5000n, 1, device(offered, 'one too many'))).toBe(Errno.ENOSPC);
    for (let port = 0; port < 1000; port++) expect(bus.write(port, 1, 0, 0)).toBe(BusAnswer.Queued);
    expect(offered).toEqual(Array.from({ length: 1000 }, (_, port) => String(port)));
  });

  it('bisects past a range around one that starts with it and has no length: its order is not total', () => {
    const offered: string[] = [];
    const bus = new IoBus();
    bus.register(0xd0000n, 4096, device(offered, 'zone'));
    expect(bus.write(0xd0004, 1, 0, 0)).toBe(BusAnswer.Queued);
    bus.register(0xd0000n, 0, device(offered, 'no length'));
    expect(bus.write(0xd0004, 1, 0, 0)).toBe(BusAnswer.NotTaken);
  });

  it('answers the same write anew after each device that came or went', () => {
    const offered: string[] = [];
    const bus = new IoBus();
    const [one, two] = [device(offered, 'one'), device(offered, 'two')];
    const index = () => bus.write(0x70, 1, 0, 0);
    expect(index()).toBe(BusAnswer.NotTaken);
    bus.register(0x70n, 2, two);
    expect([index(), bus.write(0x70, 2, 0, 0), bus.write(0x70, 4, 0, 0)]).toEqual([1, 1, 0]);
    bus.register(0x70n, 1, one);
    expect([index(), index()]).toEqual([1, 1]);
    bus.unregister(one);
    expect(index()).toBe(BusAnswer.Queued);
    bus.unregister(two);
    expect(index()).toBe(BusAnswer.NotTaken);
    expect(offered).toEqual(['two', 'two', 'one', 'one', 'two']);
  });
});
