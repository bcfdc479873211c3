import { beforeEach, describe, expect, it } from 'vitest';
import { realizeDevice } from '../../../sdk/device/regions/build.ts';
import { device, KiB, MemoryRegion } from '../../../sdk/index.ts';
import { msi, PciBus, PciDevice, PciRegister, pci } from '../../../sdk/pci.ts';
import { AddressSpace, GuestErrors, MemoryTopology } from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';

const identity = { vendorId: 0x1234, deviceId: 0x5678, classCode: 0x00ff, interruptPin: 'A' } as const;
const Capability = 0x60;

class Sender extends PciDevice {
  notify(vector: number): boolean {
    return this.sendMessage(vector);
  }
}

/** As the capability of QEMU's ioh3420, of which the masks below were read. */
@device({ type: 'two', description: 'Two messages that can be held back' })
@pci(identity)
@msi({ vectors: 2, perVectorMasking: true, is64Bit: false, offset: Capability })
class Two extends Sender {}

@device({ type: 'many', description: 'Thirty-two messages' })
@pci(identity)
@msi({ vectors: 32, perVectorMasking: true, offset: Capability })
class Many extends Sender {}

@device({ type: 'plain', description: 'Eight messages' })
@pci(identity)
@msi({ vectors: 8, offset: Capability })
class Plain extends Sender {}

let topology: MemoryTopology;
let bus: PciBus;
let sent: number[];

beforeEach(() => {
  topology = new MemoryTopology();
  const system = MemoryRegion.container(topology, 'system', 2 ** 64);
  system.addSubregion(0, MemoryRegion.ram(topology, 'ram', 64 * KiB));
  new AddressSpace(topology, 'memory', system);
  const io = MemoryRegion.unassignedPorts(topology, 'io');
  bus = new PciBus({ io, memory: MemoryRegion.container(topology, 'pci', 2 ** 32), busMasterMemory: system });
  sent = [];
});

function plug<D extends PciDevice>(made: D): D {
  realizeDevice(made, { id: 'card', topology, guestErrors: new GuestErrors() });
  bus.register(made, { slot: 3, function: 0 });
  bus.writeConfig(0x1800 + PciRegister.Command, 4, 2);
  made.msi.observer = (_address, data) => sent.push(data);
  return made;
}

const read = (offset: number, size = 4): number => bus.readConfig(0x1800 + Capability + offset, size);
const write = (offset: number, value: number, size = 4): void =>
  bus.writeConfig(0x1800 + Capability + offset, value, size);
/** Enables messages, and `2 ** log2` vectors. */
const enable = (log2: number): void => write(2, (log2 << 4) | 1, 2);

describe('a function with several messages', () => {
  it('says how many, and lets the guest write what QEMU does', () => {
    plug(new Two());
    expect(read(0)).toBe(0x0102_0005);
    for (let offset = 0; offset < 0x14; offset += 4) write(offset, 0xffff_ffff);
    expect([0, 4, 8, 12, 16].map((offset) => read(offset))).toEqual([0x0113_0005, 0xffff_fffc, 0xffff, 0x3, 0]);
  });

  it('puts the vector into as many low bits of the data as the guest has enabled', () => {
    const card = plug(new Plain());
    expect([card.msi.vectors, read(2, 2)]).toEqual([8, 0x0086]);
    write(12, 0x405f, 2);
    for (const log2 of [3, 1, 0]) {
      enable(log2);
      for (const vector of [0, 5, 7]) expect(card.notify(vector)).toBe(true);
    }
    expect(sent).toEqual([0x4058, 0x405d, 0x405f, 0x405e, 0x405f, 0x405f, 0x405f, 0x405f, 0x405f]);
  });

  it('gives the guest no more than there are', () => {
    const card = plug(new Plain());
    enable(5);
    expect([(read(2, 2) >>> 4) & 7, card.msi.enabledVectors]).toEqual([3, 8]);
  });

  it('keeps what the guest holds back until it no longer does, once', () => {
    const card = plug(new Many());
    enable(5);
    write(12, 0x40, 2);
    write(16, 0x8000_0002);
    for (const vector of [0, 1, 1, 31]) card.notify(vector);
    expect([sent, read(20)]).toEqual([[0x40], 0x8000_0002]);
    write(20, 0);
    expect(read(20)).toBe(0x8000_0002);
    write(16, 0x2);
    expect([sent, read(20)]).toEqual([[0x40, 0x5f], 0x2]);
    write(16, 0);
    write(16, 0);
    expect([sent, read(20)]).toEqual([[0x40, 0x5f, 0x41], 0]);
  });

  it('forgets what waits for vectors that the guest takes away, and everything at a reset', () => {
    const card = plug(new Many());
    enable(5);
    write(16, 0xffff_ffff);
    card.notify(31);
    card.notify(1);
    enable(1);
    expect(read(20)).toBe(0x2);
    bus.reset();
    expect([read(0), read(16), read(20), sent]).toEqual([0x018a_0005, 0, 0, []]);
  });

  it('is told of a vector that it does not declare', () => {
    const card = plug(new Two());
    expect(card.notify(2)).toBe(false);
    enable(0);
    expectRefusal(() => card.notify(2), 'unknown-msi-vector', 'vector 2', 'declares 2');
  });

  it.each([0, 3, 64, 1.5, Number.NaN])('is refused with %s of them', (vectors) => {
    class Odd extends Sender {}
    expectRefusal(() => msi({ vectors })(Odd), 'invalid-msi-vectors', 'Class Odd', `${vectors}`);
  });
});
