import { describe, expect, it } from 'vitest';
import { Capability } from '../../sdk/accelerator/index.ts';
import { Errno, UserspaceMemoryRegion, VmRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { DirtyLogClient, MemoryRegion, type RamBlock, RegionOps } from '../../sdk/memory/index.ts';
import { expectRefusal } from '../refusal.ts';
import { SmallMachine } from './small-machine.ts';

const exitsOf = (machine: SmallMachine) => machine.accelerator.statistics.memoryUserspaceExits;

/** A machine with this region at 0xc0000 of its memory. */
function machineWith(make: (machine: SmallMachine) => MemoryRegion, ram = 0xa0000) {
  const machine = new SmallMachine([], { ram });
  const region = make(machine);
  machine.memory.root.addSubregion(0xc0000, region, 1);
  return { machine, region };
}

/** Counts the blocks of memory that userspace holds. */
class CountingKernel extends SimulatedKernel {
  blocks = 0;

  override allocateGuestMemory(size: number, name?: string): RamBlock {
    this.blocks++;
    return super.allocateGuestMemory(size, name);
  }

  override releaseGuestMemory(block: RamBlock): void {
    this.blocks--;
    super.releaseGuestMemory(block);
  }
}

/** Other memory is at one address, and the processor ends at another. */
class KernelWithLimits extends SimulatedKernel {
  static readonly taken = 0x1000_0000;
  static readonly end = 2 ** 45;
  private failure = 0;

  override get errno(): number {
    return this.failure === 0 ? super.errno : this.failure;
  }

  override ioctl(fd: number, request: number, argument: DataView | number): number {
    this.failure = 0;
    if (request === VmRequest.SetUserMemoryRegion && typeof argument !== 'number') {
      const address = Number(argument.getBigUint64(UserspaceMemoryRegion.guestAddress, true));
      if (address === KernelWithLimits.taken) this.failure = Errno.EEXIST;
      if (address >= KernelWithLimits.end) this.failure = Errno.EINVAL;
    }
    return this.failure === 0 ? super.ioctl(fd, request, argument) : -1;
  }
}

function recordingOps(machine: SmallMachine): RegionOps {
  return new RegionOps({
    device: null,
    routes: [
      {
        offset: 0,
        size: Number.POSITIVE_INFINITY,
        read: (offset: number) => {
          machine.seen.push(`read ${offset}`);
          return 0x5a;
        },
        write: (value: number, offset: number) => {
          machine.seen.push(`write ${offset} = ${value}`);
        },
      },
    ],
  });
}

describe('memory slots', () => {
  it('let the guest reach RAM without an exit, and both sides see the same bytes', () => {
    const machine = new SmallMachine([]);
    let loaded = 0;
    machine.memory.write(0x1000, 0xcafe, 2);
    machine.run(function* (guest) {
      loaded = yield* guest.load16(0x1000);
      yield* guest.store32(0x2000, 0x12345678);
    });
    expect(loaded).toBe(0xcafe);
    expect(machine.memory.read(0x2000, 4)).toBe(0x12345678);
    expect(machine.accelerator.statistics.vmExits).toBe(0);
  });

  it('let the guest read ROM without an exit, and its stores exit and change nothing', () => {
    const { machine, region } = machineWith((m) => MemoryRegion.rom(m.topology, 'bios', 0x1000));
    region.ram!.bytes[5] = 0x77;
    const values: number[] = [];
    machine.run(function* (guest) {
      values.push(yield* guest.load8(0xc0005));
      yield* guest.store8(0xc0005, 0xff);
      values.push(yield* guest.load8(0xc0005));
    });
    expect(values).toEqual([0x77, 0x77]);
    expect(exitsOf(machine)).toBe(1);
  });

  it('show flash as memory in romd mode, and hand every access to the device outside of it', () => {
    const { machine, region } = machineWith((m) =>
      MemoryRegion.romDevice(m.topology, 'flash', 0x1000, recordingOps(m)),
    );
    region.ram!.bytes[0] = 0x11;
    const values: number[] = [];
    const look = () =>
      machine.run(function* (guest) {
        values.push(yield* guest.load8(0xc0000));
        yield* guest.store8(0xc0000, 2);
      });
    look();
    expect(machine.seen).toEqual(['write 0 = 2']);
    region.setRomdMode(false);
    look();
    expect(machine.seen).toEqual(['write 0 = 2', 'read 0', 'write 0 = 2']);
    expect(values).toEqual([0x11, 0x5a]);
  });

  it('stay writable behind an alias that only looks read-only, as under QEMU', () => {
    const { machine } = machineWith((m) => {
      const ram = MemoryRegion.ram(m.topology, 'behind', 0x1000);
      const alias = MemoryRegion.alias(m.topology, 'shadow', ram, 0, 0x1000);
      alias.setReadOnly(true);
      return alias;
    });
    let value = 0;
    machine.run(function* (guest) {
      yield* guest.store8(0xc0000, 9);
      value = yield* guest.load8(0xc0000);
    });
    expect(value).toBe(9);
    expect(exitsOf(machine)).toBe(0);
  });

  it('follow the map: what is laid over RAM exits, and the RAM comes back behind it', () => {
    const machine = new SmallMachine([{ name: 'window', at: 0x8000, size: 0x1000, space: 'memory', read: () => 0x42 }]);
    const window = machine.regions.get('window')!;
    const values: number[] = [];
    const look = () =>
      machine.run(function* (guest) {
        yield* guest.store8(0x7fff, 1);
        yield* guest.store8(0x9000, 2);
        values.push(yield* guest.load8(0x8000));
      });
    look();
    window.setEnabled(false);
    look();
    machine.topology.transaction(() => {
      window.setEnabled(true);
      window.setAddress(0x4000);
      window.setAddress(0x8000);
    });
    look();
    expect(values).toEqual([0x42, 0, 0x42]);
    expect(exitsOf(machine)).toBe(2);
  });

  it('leave out the parts of pages that RAM covers only partly: they exit, and still reach the bytes', () => {
    const { machine, region } = machineWith((m) => MemoryRegion.ram(m.topology, 'small', 0x1800));
    machine.run(function* (guest) {
      yield* guest.store8(0xc0fff, 1);
      yield* guest.store8(0xc1000, 2);
    });
    expect([region.ram!.bytes[0xfff], region.ram!.bytes[0x1000]]).toEqual([1, 2]);
    expect(exitsOf(machine)).toBe(1);
  });

  it('tell which pages the guest stored into, to whoever logs them', () => {
    const { machine, region } = machineWith((m) => MemoryRegion.ram(m.topology, 'video', 0x10000));
    const storeInto = (...addresses: number[]) =>
      machine.run(function* (guest) {
        for (const address of addresses) yield* guest.store32(address, 1);
      });
    storeInto(0xc1000);
    region.setDirtyLog(DirtyLogClient.Vga, true);
    storeInto(0xc3004, 0xc9000, 0xc3008);
    expect(region.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([0x3000, 0x9000]);
    expect(region.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([]);
    storeInto(0xc2ffe);
    expect(region.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([0x2000, 0x3000]);
    region.setDirtyLog(DirtyLogClient.Vga, false);
    storeInto(0xc5000);
    expect(region.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([]);
  });

  describe('keep what the guest stored for who logged it then', () => {
    const storeInto = (machine: SmallMachine, ...addresses: number[]) =>
      machine.run(function* (guest) {
        for (const address of addresses) yield* guest.store32(address, 1);
      });
    const { Vga, Migration } = DirtyLogClient;

    it('when the map changes under the RAM', () => {
      const machine = new SmallMachine([{ name: 'hole', at: 0x8000, size: 0x1000, space: 'memory' }]);
      const ram = [...machine.memory.flatView.ranges][0]!.region;
      ram.setDirtyLog(Vga, true);
      storeInto(machine, 0x2000, 0x20000);
      machine.regions.get('hole')!.setEnabled(false);
      storeInto(machine, 0x8000);
      machine.regions.get('hole')!.setEnabled(true);
      storeInto(machine, 0x30000);
      expect(ram.dirty.snapshotAndClear(Vga).offsets).toEqual([0x2000, 0x8000, 0x20000, 0x30000]);
      expect(ram.dirty.snapshotAndClear(Vga).offsets).toEqual([]);
    });

    it('when the last one stops logging, and when another goes on', () => {
      const { machine, region } = machineWith((m) => MemoryRegion.ram(m.topology, 'video', 0x10000));
      region.setDirtyLog(Vga, true);
      storeInto(machine, 0xc1000);
      region.setDirtyLog(Vga, false);
      storeInto(machine, 0xc2000);
      expect(region.dirty.snapshotAndClear(Vga).offsets).toEqual([0x1000]);
      region.setDirtyLog(Vga, true);
      region.setDirtyLog(Migration, true);
      storeInto(machine, 0xc3000);
      region.setDirtyLog(Vga, false);
      storeInto(machine, 0xc4000);
      expect(region.dirty.snapshotAndClear(Vga).offsets).toEqual([0x3000]);
      expect(region.dirty.snapshotAndClear(Migration).offsets).toEqual([0x3000, 0x4000]);
    });

    it('and not for who began to log later', () => {
      const { machine, region } = machineWith((m) => MemoryRegion.ram(m.topology, 'video', 0x10000));
      region.setDirtyLog(Vga, true);
      storeInto(machine, 0xc1000);
      region.setDirtyLog(Migration, true);
      storeInto(machine, 0xc2000);
      expect(region.dirty.snapshotAndClear(Migration).offsets).toEqual([0x2000]);
      expect(region.dirty.snapshotAndClear(Vga).offsets).toEqual([0x1000, 0x2000]);
    });

    it('when all RAM was logged and no longer is', () => {
      const { machine, region } = machineWith((m) => MemoryRegion.ram(m.topology, 'video', 0x10000));
      machine.topology.globalDirtyLogStart();
      storeInto(machine, 0xc5000);
      machine.topology.globalDirtyLogStop();
      storeInto(machine, 0xc6000);
      expect(region.dirty.snapshotAndClear(Migration).offsets).toEqual([0x5000]);
    });
  });

  it('need one bitmap each, however often the log is read, and give it back with the slot', () => {
    const kernel = new CountingKernel();
    const machine = new SmallMachine([], { kernel });
    const region = MemoryRegion.ram(machine.topology, 'video', 0x10000);
    machine.memory.root.addSubregion(0xc0000, region, 1);
    const before = kernel.blocks;
    region.setDirtyLog(DirtyLogClient.Vga, true);
    for (let frame = 0; frame < 100; frame++) region.dirty.snapshotAndClear(DirtyLogClient.Vga);
    expect(kernel.blocks).toBe(before + 1);
    region.setEnabled(false);
    expect(kernel.blocks).toBe(before);
  });

  it('leave out RAM whose pages lie across those of the guest: it exits, and is still right', () => {
    const machine = new SmallMachine([]);
    const region = MemoryRegion.ram(machine.topology, 'askew', 0x4000);
    region.setDirtyLog(DirtyLogClient.Vga, true);
    machine.memory.root.addSubregion(0xe0000800, region);
    let loaded = 0;
    machine.run(function* (guest) {
      yield* guest.store32(0xe0002000, 0xcafe);
      loaded = yield* guest.load32(0xe0002000);
    });
    expect(loaded).toBe(0xcafe);
    expect(region.ram!.view.getUint32(0x1800, true)).toBe(0xcafe);
    expect(region.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([0x1000]);
    expect(exitsOf(machine)).toBe(2);
  });

  it('are not read-only where the kernel cannot have such ones: what the guest does to ROM exits', () => {
    const kernel = new SimulatedKernel({ capabilities: { [Capability.ReadonlyMemory]: 0 } });
    const machine = new SmallMachine([], { kernel });
    const rom = MemoryRegion.rom(machine.topology, 'bios', 0x1000);
    machine.memory.root.addSubregion(0xc0000, rom, 1);
    rom.ram!.bytes[5] = 0x77;
    const values: number[] = [];
    machine.run(function* (guest) {
      values.push(yield* guest.load8(0xc0005));
      yield* guest.store8(0xc0005, 0xff);
      values.push(yield* guest.load8(0xc0005));
    });
    expect(values).toEqual([0x77, 0x77]);
    expect(exitsOf(machine)).toBe(3);
  });

  it('are not made where the kernel has other memory, or reaches no more: the RAM exits, is still right, and can go', () => {
    const machine = new SmallMachine([], { kernel: new KernelWithLimits() });
    for (const address of [KernelWithLimits.taken, KernelWithLimits.end]) {
      const region = MemoryRegion.ram(machine.topology, `at-${address}`, 0x2000);
      const exits = exitsOf(machine);
      machine.memory.root.addSubregion(address, region, 1);
      machine.run(function* (guest) {
        yield* guest.store32(address + 0x1000, 0xcafe);
      });
      expect(region.ram!.view.getUint32(0x1000, true)).toBe(0xcafe);
      expect(exitsOf(machine)).toBe(exits + 1);
      machine.memory.root.removeSubregion(region);
    }
    machine.accelerator.detach();
  });

  it('are all given back when the accelerator is detached', () => {
    const machine = new SmallMachine([
      { name: 'screen', at: 0xa0000, size: 0x1000, space: 'memory', coalesced: { offset: 0, size: 0x1000 } },
    ]);
    expect(machine.accelerator.zones.memory).toHaveLength(1);
    machine.accelerator.detach();
    expect(machine.accelerator.zones).toEqual({ ports: [], memory: [] });
    expectRefusal(() => machine.accelerator.run(), 'accelerator-without-machine', "'kvm-sim'");
    // The machine itself still works from outside.
    machine.memory.write(0xa0000, 1, 1);
    expect(machine.seen).toEqual(['store 0xa0000 = 0x1']);
  });
});
