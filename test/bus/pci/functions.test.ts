import { beforeEach, describe, expect, it } from 'vitest';
import type { BusMaster } from '../../../sdk/bus/pci/bus-master.ts';
import { realizeDevice } from '../../../sdk/device/regions/build.ts';
import { device, KiB, MemoryRegion, MemTxResult, requesterOf } from '../../../sdk/index.ts';
import {
  capability,
  msi,
  PciBus,
  PciCapabilityId,
  PciCommand,
  PciDevice,
  PciRegister,
  PciStatus,
  pci,
} from '../../../sdk/pci.ts';
import { AddressSpace, GuestErrors, MemoryTopology, RegionOps } from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';

const identity = { vendorId: 0x1234, deviceId: 0x5678, classCode: 0x00ff, interruptPin: 'A' } as const;

@device({ type: 'capable', description: 'A function with capabilities' })
@pci(identity)
@capability({ id: PciCapabilityId.VendorSpecific, contents: [0x10, 1, 2, 3, 4], writable: [0, 0xff, 0x0f] })
@msi()
@capability({ id: PciCapabilityId.PowerManagement, offset: 0x40, contents: [2, 0, 0, 0, 0, 0], writable: [0, 0, 3] })
class Capable extends PciDevice {
  notify(): boolean {
    return this.sendMessage();
  }
}

@device({ type: 'short', description: 'A function with 32-bit messages' })
@pci(identity)
@msi({ is64Bit: false, offset: 0x80 })
class Short extends PciDevice {
  notify(): boolean {
    return this.sendMessage();
  }
}

let topology: MemoryTopology;
let memory: AddressSpace;
let bus: PciBus;
let ram: MemoryRegion;

beforeEach(() => {
  topology = new MemoryTopology();
  const system = MemoryRegion.container(topology, 'system', 2 ** 64);
  ram = MemoryRegion.ram(topology, 'ram', 64 * KiB);
  system.addSubregion(0, ram);
  memory = new AddressSpace(topology, 'memory', system);
  const pciMemory = MemoryRegion.container(topology, 'pci', 2 ** 32);
  bus = new PciBus({ io: MemoryRegion.unassignedPorts(topology, 'io'), memory: pciMemory, busMasterMemory: system });
});

function plug<D extends PciDevice>(made: D, slot = 3): D {
  realizeDevice(made, { id: `card-${slot}`, topology, guestErrors: new GuestErrors() });
  bus.register(made, { slot, function: 0 });
  return made;
}

const read = (register: number, size = 4) => bus.readConfig(0x1800 + register, size);
const write = (register: number, value: number, size = 4) => bus.writeConfig(0x1800 + register, value, size);
const master = () => write(PciRegister.Command, PciCommand.Master, 2);

describe('the list of capabilities', () => {
  it('is linked in the order of the source, each where it fits', () => {
    const made = plug(new Capable());
    expect(read(PciRegister.Status, 2) & PciStatus.Capabilities).toBe(PciStatus.Capabilities);
    expect(read(PciRegister.CapabilityPointer, 1)).toBe(0x48);
    expect([read(0x48), read(0x50), read(0x40)]).toEqual([0x0110_5009, 0x0080_4005, 0x0002_0001]);
    expect(made.capabilityOffset(PciCapabilityId.Msi)).toBe(0x50);
    expect(made.capabilityOffset(PciCapabilityId.MsiX)).toBeUndefined();
  });

  it('lets the guest change what is declared writable, until a reset', () => {
    plug(new Capable());
    write(0x48, 0xffff_ffff);
    write(0x4c, 0xffff_ffff);
    expect([read(0x48), read(0x4c)]).toEqual([0xff10_5009, 0xff04_030f]);
    bus.reset();
    expect([read(0x48), read(0x4c) & 0xff_ffff, read(PciRegister.CapabilityPointer, 1)]).toEqual([
      0x0110_5009, 0x0004_0302, 0x48,
    ]);
  });

  it('is empty without any', () => {
    @device({ type: 'plain', description: 'No capabilities' })
    @pci(identity)
    class Plain extends PciDevice {}
    plug(new Plain());
    expect([read(PciRegister.Status, 2), read(PciRegister.CapabilityPointer, 1)]).toEqual([0, 0]);
  });

  const spec = { id: 9, contents: [0, 0] } as const;
  it.each([
    [{ ...spec, id: 0x100 }, 'invalid-capability', '(0x100)'],
    [{ ...spec, contents: [256] }, 'invalid-capability', 'contents'],
    [{ ...spec, writable: [0, 0, 1] }, 'invalid-capability', 'writable'],
    [{ ...spec, offset: 0x42 }, 'capability-misplaced', '0x42'],
    [{ ...spec, offset: 0x3c }, 'capability-misplaced', '4 bytes at 0x3c'],
    [{ ...spec, offset: 0xfc, contents: [0, 0, 0] }, 'capability-misplaced', '5 bytes at 0xfc'],
    [{ ...spec, offset: 0x44 }, 'capability-misplaced', 'capability 0x1 at 0x40'],
    [{ ...spec, contents: Array(200).fill(0) }, 'capability-misplaced', '202 bytes'],
    [{ ...spec, id: 5 }, 'capability-twice', '(0x5)'],
  ])('refuses what does not fit, case %#', (bad, code, named) => {
    class Derived extends Capable {}
    const found = bad.id === 9 ? { ...bad, id: 0x0a } : bad;
    expectRefusal(() => capability(found)(Derived), code, 'Class Derived', named);
  });
});

describe('a message', () => {
  it('is 32 bits written as bus master, with the function as requester, in place of the pin', () => {
    const heard: number[] = [];
    const receiver = {
      take(value: number, offset: number, size: number, attributes: number): void {
        heard.push(value, offset, size, requesterOf(attributes), attributes & 1);
      },
    };
    const ops = new RegionOps({
      device: receiver,
      routes: [{ offset: 0, size: Infinity, write: receiver.take, withAttributes: true }],
    });
    memory.root.addSubregion(0xfee0_0000, MemoryRegion.io(topology, 'window', 1 << 20, ops), 1);
    const made = plug(new Capable());
    const levels: boolean[] = [];
    made.interruptOut.connect((level) => levels.push(level));
    expect(made.notify()).toBe(false);
    write(0x54, 0xfee0_1003);
    write(0x5c, 0xabcd_4041);
    write(0x52, 0xffff, 2);
    expect(read(0x52, 2)).toBe(0x0081);
    expect(made.msi.message).toEqual({ address: 0xfee0_1000n, data: 0x4041 });
    made.interrupt.set(true);
    expect([made.notify(), heard]).toEqual([true, []]);
    master();
    made.notify();
    expect([heard, levels]).toEqual([[0x4041, 0x1000, 4, 0x18, 0], []]);
    expect(read(PciRegister.Status, 2) & PciStatus.Interrupt).toBe(0);
    write(0x52, 0, 2);
    expect([made.notify(), levels]).toEqual([false, [true]]);
  });

  it('may go above 4 GiB only if the capability is 64 bits wide', () => {
    const wide = plug(new Capable());
    write(0x58, 0x12);
    expect(wide.msi.message.address).toBe(0x12_0000_0000n);
    const short = plug(new Short(), 4);
    bus.writeConfig(0x2084, 0xffff_ffff, 4);
    bus.writeConfig(0x2088, 0x1234, 2);
    bus.writeConfig(0x2082, 1, 2);
    expect(bus.readConfig(0x2080, 4)).toBe(0x0001_0005);
    expect(short.msi.message).toEqual({ address: 0xffff_fffcn, data: 0x1234 });
  });

  it('is off again after a reset', () => {
    const made = plug(new Capable());
    write(0x52, 1, 2);
    expect(made.msi.enabled).toBe(true);
    bus.reset();
    expect([made.msi.enabled, read(0x52, 2)]).toEqual([false, 0x80]);
  });
});

describe('a bus master', () => {
  it('reaches memory while the guest lets it, and else nothing, without an error thrown', () => {
    const { busMaster } = plug(new Capable());
    const bytes = new Uint8Array([1, 2, 3]);
    expect(busMaster.write(0x100, bytes)).toBe(MemTxResult.DecodeError);
    expect(busMaster.read(0x100, bytes)).toBe(MemTxResult.DecodeError);
    expect(bytes).toEqual(new Uint8Array(3));
    master();
    expect(busMaster.write(0x100, new Uint8Array([4, 5, 6]))).toBe(MemTxResult.Ok);
    expect(busMaster.read(0x101n, bytes)).toBe(MemTxResult.Ok);
    expect([...bytes, memory.read(0x100, 1)]).toEqual([5, 6, 0, 4]);
    write(PciRegister.Command, 0, 2);
    expect(busMaster.write(0x100, new Uint8Array([9]))).toBe(MemTxResult.DecodeError);
    expect(memory.read(0x100, 1)).toBe(4);
  });

  it.each([64 * KiB - 1, 2 ** 40, -1, 2n ** 60n, -1n])('gets an error for what is not memory: %s', (address) => {
    const { busMaster } = plug(new Capable());
    master();
    expect(busMaster.read(address, new Uint8Array(2))).toBe(MemTxResult.DecodeError);
    expect(busMaster.write(address, new Uint8Array(2))).toBe(MemTxResult.DecodeError);
  });

  it('has an address space of its own, which shares its view with the memory, and goes with the card', () => {
    const before = topology.addressSpaces.length;
    const made = plug(new Capable());
    master();
    const port = made.busMaster as BusMaster;
    expect(port.space?.flatView).toBe(memory.flatView);
    bus.unregister(made);
    expect([topology.addressSpaces.length, port.space]).toEqual([before, undefined]);
    expect(made.busMaster.write(0x100, new Uint8Array(1))).toBe(MemTxResult.DecodeError);
  });

  it('on a bus that says nothing about memory reaches none', () => {
    bus = new PciBus({ io: bus.io, memory: bus.memory });
    const made = plug(new Capable());
    master();
    expect(made.busMaster.read(0, new Uint8Array(1))).toBe(MemTxResult.DecodeError);
  });
});
