import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { realizeDevice } from '../../../sdk/device/regions/build.ts';
import { device, IsaDevice, MemoryRegion } from '../../../sdk/index.ts';
import {
  formatPciAddress,
  PciBus,
  PciCommand,
  PciConfigSpace,
  PciDevice,
  type PciIdentity,
  PciRegister,
  parsePciAddress,
  pci,
  pciIdentity,
} from '../../../sdk/pci.ts';
import { GuestErrors, MemoryTopology, metadataOf } from '../../../sdk/runtime.ts';
import { expectRefusal } from '../../refusal.ts';

const topology = new MemoryTopology();
const guestErrors = new GuestErrors();

@device({ type: 'card', description: 'A card with an interrupt' })
@pci({ vendorId: 0x1234, deviceId: 0x11e8, revision: 0x10, classCode: 0x00ff, interruptPin: 'A', subsystemId: 0x1100 })
class Card extends PciDevice {
  readonly written: string[] = [];

  override writeConfig(offset: number, value: number, size: number): void {
    this.written.push(`${offset}+${size}`);
    super.writeConfig(offset, value, size);
  }
}

@device({ type: 'silent', description: 'A function without an interrupt' })
@pci({ vendorId: 0x8086, deviceId: 0x7000, classCode: 0x0601, multifunction: true, subsystemVendorId: 0x1af4 })
class Silent extends PciDevice {}

const configAddress = (slot: number, register: number, number = 0) =>
  0x8000_0000 + slot * 2048 + number * 256 + register;

let bus: PciBus;
let card: Card;

beforeEach(() => {
  bus = new PciBus({
    io: MemoryRegion.container(topology, 'pci-io', 0x1_0000),
    memory: MemoryRegion.container(topology, 'pci', 2 ** 32),
  });
  card = new Card();
  realizeDevice(card, { id: 'card', topology, guestErrors });
  bus.register(card, { slot: 3, function: 0 });
});

describe('configuration space', () => {
  it('says who the function is', () => {
    const header = [0x00, 0x08, 0x0c, 0x2c, 0x3c].map((register) => bus.readConfig(configAddress(3, register), 4));
    expect(header).toEqual([0x11e8_1234, 0x00ff_0010, 0, 0x1100_0000, 0x0000_0100]);
    const bridge = new Silent();
    bus.register(bridge, { slot: 1, function: 0 });
    expect(bus.readConfig(configAddress(1, PciRegister.HeaderType), 1)).toBe(0x80);
    expect(bus.readConfig(configAddress(1, PciRegister.InterruptPin), 1)).toBe(0);
    expect(bus.readConfig(configAddress(1, PciRegister.SubsystemVendorId), 4)).toBe(0x1af4);
    expect(metadataOf(Silent).attribute(pciIdentity)?.classCode).toBe(0x0601);
  });

  it('of a function that is not there reads all ones and drops writes', () => {
    expect([1, 2, 4].map((size) => bus.readConfig(configAddress(9, 0), size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
    expect(bus.readConfig(configAddress(3, 0, 1), 4)).toBe(0xffff_ffff);
    expect(bus.readConfig(configAddress(3, 0) + 0x1_0000, 2)).toBe(0xffff);
    bus.writeConfig(configAddress(9, 4), 7, 2);
    expect(card.written).toEqual([]);
  });

  it('keeps what the guest may not change', () => {
    bus.writeConfig(configAddress(3, PciRegister.VendorId), 0xffff_ffff, 4);
    bus.writeConfig(configAddress(3, PciRegister.Command), 0xffff, 2);
    bus.writeConfig(configAddress(3, PciRegister.CacheLineSize), 0xffff_ffff, 4);
    bus.writeConfig(configAddress(3, PciRegister.InterruptLine), 0xffff, 2);
    expect(bus.readConfig(configAddress(3, PciRegister.VendorId), 4)).toBe(0x11e8_1234);
    expect(bus.readConfig(configAddress(3, PciRegister.Command), 2)).toBe(0x0507);
    expect(bus.readConfig(configAddress(3, PciRegister.CacheLineSize), 4)).toBe(0x0000_00ff);
    expect(bus.readConfig(configAddress(3, PciRegister.InterruptLine), 2)).toBe(0x01ff);
  });

  it('clears status bits where a one is written', () => {
    card.config.set(PciRegister.Status, 0xf910, 2);
    bus.writeConfig(configAddress(3, PciRegister.Status), 0x2110, 2);
    expect(bus.readConfig(configAddress(3, PciRegister.Status), 2)).toBe(0xd810);
  });

  it('ends at 256 bytes, and an access that runs over the end is cut', () => {
    bus.writeConfig(configAddress(3, 0xfe), 0x4433_2211, 4);
    expect(bus.readConfig(configAddress(3, 0xfe), 4)).toBe(0x2211);
    expect(bus.readConfig(configAddress(3, 0x00), 4)).toBe(0x11e8_1234);
    expect(card.written).toEqual(['254+2']);
  });

  it('changes exactly as bit by bit bookkeeping says, whatever the masks and accesses', () => {
    const range = { offset: fc.nat(255), size: fc.constantFrom(1, 2, 4), value: fc.nat({ max: 0xffff_ffff }) };
    const mask = fc.record({ ...range, kind: fc.constantFrom('writable', 'clearing', 'preset') });
    const access = fc.record({ ...range, write: fc.boolean() });
    fc.assert(
      fc.property(fc.array(mask, { maxLength: 12 }), fc.array(access, { maxLength: 30 }), (masks, accesses) => {
        const config = new PciConfigSpace({ vendorId: 1, deviceId: 2, classCode: 3 });
        const bits = modelOf(config);
        for (const { kind, offset, size, value } of masks.filter(({ offset, size }) => offset + size <= 256)) {
          if (kind === 'writable') config.setWritable(offset, value, size);
          else if (kind === 'clearing') config.setWriteOneToClear(offset, value, size);
          else config.set(offset, value, size);
          for (let bit = 0; bit < 8 * size; bit++) {
            const one = bits[8 * offset + bit] as Bit;
            const on = bitOf(value, bit) === 1;
            if (kind === 'writable') one.writable = on;
            else if (kind === 'clearing') one.clearing = on;
            else one.value = on ? 1 : 0;
          }
        }
        for (const { write, offset, size, value } of accesses) {
          if (write) config.write(offset, value, size);
          let expected = 0;
          for (let bit = 0; bit < 8 * size && 8 * offset + bit < 2048; bit++) {
            const one = bits[8 * offset + bit] as Bit;
            const written = bitOf(value, bit);
            if (write && one.writable) one.value = written;
            if (write && one.clearing && written === 1) one.value = 0;
            expected += one.value * 2 ** bit;
          }
          expect(config.read(offset, size)).toBe(expected);
        }
      }),
      { numRuns: 150 },
    );
  });
});

interface Bit {
  value: number;
  writable: boolean;
  clearing: boolean;
}

const bitOf = (value: number, bit: number): number => (value >>> bit) & 1;

/** The header's rules as the specification lists them, a bit at a time. */
function modelOf(config: PciConfigSpace): Bit[] {
  const writable = (at: number) =>
    at >= 8 * 0x40 || [0x0c, 0x3c].includes(at >> 3) || (at >= 32 && at < 48 && [0, 1, 2, 8, 10].includes(at - 32));
  const clearing = (at: number) => at >= 48 && at < 64 && [8, 11, 12, 13, 14, 15].includes(at - 48);
  return Array.from({ length: 2048 }, (_, at) => ({
    value: bitOf(config.bytes[at >> 3] as number, at & 7),
    writable: writable(at),
    clearing: clearing(at),
  }));
}

describe('INTx', () => {
  it('reaches the router on the line that the slot is wired to', () => {
    const heard: string[] = [];
    bus.connectRouter((pirq, level) => heard.push(`${pirq}${level ? '+' : '-'}`));
    const neighbour = new Card();
    bus.register(neighbour, { slot: 4, function: 0 });
    card.interrupt.set(true);
    neighbour.interrupt.set(true);
    card.interrupt.set(false);
    expect(heard).toEqual(['2+', '3+', '2-']);
  });

  it('of two functions on one line stays up until both are quiet', () => {
    const heard: string[] = [];
    bus.connectRouter((pirq, level) => heard.push(`${pirq}${level ? '+' : '-'}`));
    const other = new Card();
    bus.register(other, { slot: 7, function: 0 });
    card.interrupt.set(true);
    other.interrupt.set(true);
    card.interrupt.set(false);
    other.interrupt.set(false);
    expect(heard).toEqual(['2+', '2-']);
  });

  it('shows in the status register even while the command register holds it back', () => {
    const heard: boolean[] = [];
    bus.connectRouter((_, level) => heard.push(level));
    bus.writeConfig(configAddress(3, PciRegister.Command), PciCommand.InterruptDisable, 2);
    card.interrupt.set(true);
    expect(bus.readConfig(configAddress(3, PciRegister.Status), 2)).toBe(0x0008);
    expect(heard).toEqual([]);
    bus.writeConfig(configAddress(3, PciRegister.Command), 0, 2);
    expect(heard).toEqual([true]);
    bus.writeConfig(configAddress(3, PciRegister.Command), PciCommand.InterruptDisable, 2);
    card.interrupt.set(false);
    expect([heard, bus.readConfig(configAddress(3, PciRegister.Status), 2)]).toEqual([[true, false], 0]);
  });

  it('that is up is told to a router that comes later, and goes when its card is unplugged', () => {
    card.interrupt.set(true);
    const heard: string[] = [];
    bus.connectRouter((pirq, level) => heard.push(`${pirq}${level ? '+' : '-'}`));
    bus.unregister(card);
    bus.unregister(card);
    expect(heard).toEqual(['2+', '2-']);
    expect(bus.readConfig(configAddress(3, 0), 4)).toBe(0xffff_ffff);
  });

  it('stays with its router while another one waits, who then hears the lines that are high', () => {
    const [first, second]: [string[], string[]] = [[], []];
    const listener = (heard: string[]) => (pirq: number, level: boolean) => heard.push(`${pirq}${level ? '+' : '-'}`);
    const leave = bus.connectRouter(listener(first));
    const giveUp = bus.connectRouter(() => expect.fail('it waits'));
    bus.connectRouter(listener(second));
    card.interrupt.set(true);
    giveUp();
    expect([first, second]).toEqual([['2+'], []]);
    leave();
    leave();
    card.interrupt.set(false);
    expect([first, second]).toEqual([['2+'], ['2+', '2-']]);
  });

  it('that is up goes down for the last router when it leaves', () => {
    const heard: string[] = [];
    const leave = bus.connectRouter((pirq, level) => heard.push(`${pirq}${level ? '+' : '-'}`));
    card.interrupt.set(true);
    leave();
    card.interrupt.set(false);
    expect(heard).toEqual(['2+', '2-']);
  });

  it('of a function without a pin goes nowhere', () => {
    const heard: number[] = [];
    bus.connectRouter((pirq) => heard.push(pirq));
    const silent = new Silent();
    bus.register(silent, { slot: 1, function: 0 });
    silent.interrupt.set(true);
    expect(heard).toEqual([]);
  });
});

describe('a reset of the bus', () => {
  it('lowers interrupts and clears what the guest set in the header, but not what the device owns', () => {
    bus.writeConfig(configAddress(3, PciRegister.Command), 0x0107, 2);
    bus.writeConfig(configAddress(3, PciRegister.CacheLineSize), 0x10, 1);
    bus.writeConfig(configAddress(3, PciRegister.InterruptLine), 11, 1);
    bus.writeConfig(configAddress(3, 0x40), 0xdead_beef, 4);
    card.config.set(PciRegister.Status, 0x0210 | 0x8000, 2);
    card.interrupt.set(true);
    bus.reset();
    expect(bus.readConfig(configAddress(3, PciRegister.Command), 4)).toBe(0x0210_0000);
    expect(bus.readConfig(configAddress(3, PciRegister.CacheLineSize), 4)).toBe(0);
    expect(bus.readConfig(configAddress(3, PciRegister.InterruptLine), 2)).toBe(0x0100);
    expect(bus.readConfig(configAddress(3, 0x40), 4)).toBe(0xdead_beef);
    expect([card.interrupt.level, card.interruptOut.level]).toEqual([false, false]);
  });
});

describe('plugging', () => {
  it('refuses a place that is taken or does not exist, and names who is there', () => {
    const other = new Card();
    realizeDevice(other, { id: 'other', topology, guestErrors });
    const plug = (one: PciDevice, slot: number) => () => bus.register(one, { slot, function: 0 });
    expectRefusal(plug(other, 3), 'pci-address-taken', "'other'", '03.0', "'card'");
    expectRefusal(plug(other, 32), 'invalid-pci-address', "'other'", '20.0');
    expectRefusal(plug(card, 4), 'pci-function-plugged-twice', "'card'", '04.0');
  });

  it('finds free slots, and who is where', () => {
    bus.register(new Silent(), { slot: 0, function: 0 });
    expect(bus.freeSlot()).toBe(1);
    expect([bus.addressOf(card), bus.deviceAt({ slot: 3, function: 0 })]).toEqual([{ slot: 3, function: 0 }, card]);
    expect(bus.addressOf(new Silent())).toBeUndefined();
    for (let slot = 1; slot < 32; slot++) if (slot !== 3) bus.register(new Silent(), { slot, function: 7 });
    expect(bus.devices).toHaveLength(32);
    expectRefusal(() => bus.freeSlot(), 'pci-bus-full', 'PCI bus 0');
  });

  it('needs an identity', () => {
    @device({ type: 'nobody', description: 'Forgot @pci' })
    class Nobody extends PciDevice {}
    expectRefusal(() => new Nobody(), 'missing-pci-identity', 'Class Nobody');
  });

  it.each([
    [{ vendorId: 0x1_2345 }, 'invalid-pci-identity', 'vendorId 0x12345'],
    [{ vendorId: '8086' }, 'invalid-pci-identity', "vendorId '8086'"],
    [{ vendorId: undefined }, 'incomplete-pci-identity', 'vendorId'],
    [{ vendorId: 0xffff }, 'invalid-pci-identity', 'vendorId 0xffff'],
    [{ interuptPin: 'A' }, 'unknown-word', "'interruptPin'"],
    [{ irq: 5 }, 'unknown-word', "'irq'"],
    [{ interruptPin: 'E' }, 'invalid-pci-identity', "interruptPin 'E'"],
  ])('needs an identity that drivers can read, not one with %j', (wrong, code, named) => {
    const identity = { vendorId: 0x1234, deviceId: 1, classCode: 2, ...wrong } as unknown as PciIdentity;
    expectRefusal(() => pci(identity)(Card), code, 'Class Card: @pci', named);
  });

  it('is for PCI functions only', () => {
    class Uart extends IsaDevice {}
    const decorate = pci({ vendorId: 0x1234, deviceId: 1, classCode: 2 });
    expectRefusal(() => decorate(Uart as never), 'wrong-bus', 'Class Uart: @pci');
  });

  it.each([
    ['5', '05.0'],
    ['05.0', '05.0'],
    ['1f.7', '1f.7'],
    ['0x1f.7', '1f.7'],
  ])('reads the address %s', (text, written) => {
    const address = parsePciAddress(text);
    expect(address && formatPciAddress(address)).toBe(written);
  });

  it.each(['', '20', '5.8', '05:0', 'x', '-1'])('does not take %j for an address', (text) => {
    expect(parsePciAddress(text)).toBeUndefined();
  });
});
