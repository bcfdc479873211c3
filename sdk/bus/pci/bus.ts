import { BackplaneError } from '../../base/errors.ts';
import type { MemoryRegion } from '../../memory/index.ts';
import { busMasterSpace } from '../dma-port.ts';
import type { BusContainers } from '../isa-bus.ts';
import { PciConfigSize, PciRegister } from './config-space.ts';
import type { PciDevice } from './device.ts';

/** Where a function is plugged on its bus. */
export interface PciAddress {
  readonly slot: number;
  readonly function: number;
}

/** `02.1`, slot in hex, as lspci and `addr=` write it. */
export function formatPciAddress({ slot, function: number }: PciAddress): string {
  return `${slot.toString(16).padStart(2, '0')}.${number}`;
}

/** `5`, `05.0`, `1f.3`; slot in hex. Undefined if it is not an address. */
export function parsePciAddress(text: string): PciAddress | undefined {
  const match = /^(?:0x)?([01]?[0-9a-f])(?:\.([0-7]))?$/i.exec(text);
  if (match === null) return undefined;
  return { slot: Number.parseInt(match[1] as string, 16), function: Number(match[2] ?? 0) };
}

/** Which of the router's lines a slot's pin (0 is A) is wired to. */
export type PciPinWiring = (slot: number, pin: number) => number;

/** The wiring of a PC's board: neighbours in slot start at different lines, so that they rarely share one. */
export const pcPinWiring: PciPinWiring = (slot, pin) => (pin + slot - 1) & 3;

/** The wire from a function's interrupt pin. */
interface InterruptWire {
  readonly pirq: number | undefined;
  up: boolean;
  readonly cut: () => void;
}

const Slots = 32;
const Functions = 8;

/**
 * A PCI bus: 32 slots of 8 functions, their configuration space, and four interrupt lines. An address without a function
 * reads all ones and drops writes, which is how guests probe the bus.
 */
export class PciBus implements BusContainers {
  static readonly serviceName: string = 'PciBus';
  readonly io: MemoryRegion;
  readonly memory: MemoryRegion;
  /**
   * What bus masters reach: the machine's memory as the processor sees it, or what an IOMMU leaves of it. Without it their
   * transfers reach nothing.
   */
  readonly busMasterMemory: MemoryRegion | undefined;
  private readonly functions: (PciDevice | undefined)[] = new Array(Slots * Functions);
  private readonly asserted = new Map<number, number>();
  private readonly wires = new Map<PciDevice, InterruptWire>();
  /** The first of them routes. The others are replacements, which wait until it disconnects. */
  private readonly routers: ((pirq: number, level: boolean) => void)[] = [];
  /** Set by the first reset; functions that are plugged later are hot-plugged. */
  private poweredOn = false;
  private readonly latecomers = new Set<PciDevice>();

  constructor(
    { io, memory, busMasterMemory }: BusContainers & { readonly busMasterMemory?: MemoryRegion },
    private readonly wiring: PciPinWiring = pcPinWiring,
    /** The bus number that the guest uses; 0 is the root. */
    readonly number = 0,
  ) {
    this.io = io;
    this.memory = memory;
    this.busMasterMemory = busMasterMemory;
  }

  /** Every plugged function, by slot and function. */
  get devices(): readonly PciDevice[] {
    return this.functions.filter((device) => device !== undefined);
  }

  deviceAt({ slot, function: number }: PciAddress): PciDevice | undefined {
    return this.functions[slot * Functions + number];
  }

  addressOf(device: PciDevice): PciAddress | undefined {
    const index = this.functions.indexOf(device);
    return index < 0 ? undefined : { slot: index >> 3, function: index & 7 };
  }

  /** The lowest slot with no function in it. */
  freeSlot(): number {
    for (let slot = 0; slot < Slots; slot++) {
      const functions = this.functions.slice(slot * Functions, (slot + 1) * Functions);
      if (functions.every((device) => device === undefined)) return slot;
    }
    throw new BackplaneError(
      'pci-bus-full',
      `PCI bus ${this.number} is full: all ${Slots} slots have a device. Give it an addr with a function, such as 01.1.`,
    );
  }

  register(device: PciDevice, address: PciAddress): void {
    const refuse = (code: string, why: string) =>
      new BackplaneError(code, `PCI: cannot plug '${device.id}' at ${formatPciAddress(address)}: ${why}`);
    if (address.slot < 0 || address.slot >= Slots || address.function < 0 || address.function >= Functions) {
      throw refuse('invalid-pci-address', 'slots are 00 to 1f, functions 0 to 7. Give it another addr.');
    }
    const present = this.deviceAt(address);
    if (present !== undefined)
      throw refuse('pci-address-taken', `'${present.id}' is there. Give one of them another addr.`);
    if (this.wires.has(device))
      throw refuse('pci-function-plugged-twice', 'it is on the bus already. Plug it in once.');
    this.plugIn(device, address, this.poweredOn);
  }

  /** Replaces a function by another one with the same state: no interrupt line moves. */
  replace(old: PciDevice, device: PciDevice): void {
    const address = this.addressOf(old);
    if (address === undefined) return;
    const wire = this.wires.get(old);
    this.plugIn(device, address, this.latecomers.delete(old));
    wire?.cut();
    this.wires.delete(old);
    old.disconnectFromBus();
  }

  private plugIn(device: PciDevice, address: PciAddress, isLate: boolean): void {
    const pin = device.config.get(PciRegister.InterruptPin, 1);
    this.functions[address.slot * Functions + address.function] = device;
    if (isLate) this.latecomers.add(device);
    const pirq = pin === 0 ? undefined : this.wiring(address.slot, pin - 1);
    const wire = { pirq, up: false, cut: () => {} };
    wire.cut = device.interruptOut.connect((level) => {
      if (pirq === undefined || level === wire.up) return;
      wire.up = level;
      this.assert(pirq, level);
    });
    this.wires.set(device, wire);
    const requester = (this.number << 8) | (address.slot << 3) | address.function;
    const { busMasterMemory: memory } = this;
    device.connectToBus(this, memory && device.realized ? busMasterSpace(device.id, memory, requester) : undefined);
  }

  /** Takes the device off the bus, its interrupt with it. */
  unregister(device: PciDevice): void {
    const index = this.functions.indexOf(device);
    if (index < 0) return;
    this.functions[index] = undefined;
    device.disconnectFromBus();
    this.wires.get(device)?.cut();
    this.wires.delete(device);
    this.latecomers.delete(device);
  }

  /** The pins were restored without a call: counts anew which function asserts which line. The router is restored too. */
  onStateLoaded(): void {
    this.asserted.clear();
    for (const [device, wire] of this.wires) {
      wire.up = wire.pirq !== undefined && device.interruptOut.level;
      if (wire.up && wire.pirq !== undefined) this.asserted.set(wire.pirq, (this.asserted.get(wire.pirq) ?? 0) + 1);
    }
  }

  /**
   * Connects the bridge that routes the interrupt lines, and reports those that are high. A second router, which replaces the
   * first, waits until that one disconnects, so that no line moves. Answers how to disconnect: the lines go down without a
   * second router.
   */
  connectRouter(router: (pirq: number, level: boolean) => void): () => void {
    this.routers.push(router);
    if (this.routers[0] === router) this.notifyRouter(true);
    return () => {
      const index = this.routers.indexOf(router);
      if (index < 0) return;
      if (index === 0 && this.routers.length === 1) this.notifyRouter(false);
      this.routers.splice(index, 1);
      if (index === 0) this.notifyRouter(true);
    };
  }

  private notifyRouter(level: boolean): void {
    for (const [pirq, count] of this.asserted) if (count > 0) this.routers[0]?.(pirq, level);
  }

  /** `address` as in configuration mechanism #1: bus in bits 23-16, slot and function in 15-8, register in 7-0. */
  readConfig(address: number, size: number): number {
    const device = this.select(address);
    return device === undefined ? 0xffff_ffff >>> (32 - 8 * size) : device.readConfig(address & 0xff, size);
  }

  /** The length is cut at the end of the 256 bytes. */
  writeConfig(address: number, value: number, size: number): void {
    const register = address & 0xff;
    this.select(address)?.writeConfig(register, value, Math.min(size, PciConfigSize - register));
  }

  /** After every device's own reset: interrupts down, headers cleared. */
  reset(): void {
    this.poweredOn = true;
    for (const device of this.devices) device.resetOnBus();
  }

  /**
   * Guests look for the other functions of a slot only where function 0 is. A hot-plugged one is invisible until function 0 is
   * plugged, so that a card of several functions appears as a whole.
   * @see QEMU 7.2, hw/pci/pci_host.c: pci_host_config_read_common
   */
  private select(address: number): PciDevice | undefined {
    if (((address >>> 16) & 0xff) !== this.number) return undefined;
    const device = this.functions[(address >>> 8) & 0xff];
    const isAlone = this.functions[(address >>> 8) & 0xf8] === undefined;
    return isAlone && device !== undefined && this.latecomers.has(device) ? undefined : device;
  }

  /** Whether a function asserts the line. */
  isAsserted(pirq: number): boolean {
    return (this.asserted.get(pirq) ?? 0) > 0;
  }

  /** Several functions may assert one line; the router is called for the first and the last. */
  private assert(pirq: number, level: boolean): void {
    const before = this.asserted.get(pirq) ?? 0;
    const after = before + (level ? 1 : -1);
    this.asserted.set(pirq, after);
    if (before > 0 !== after > 0) this.routers[0]?.(pirq, after > 0);
  }
}
