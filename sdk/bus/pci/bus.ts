import { BackplaneError, type Problem } from '../../base/errors.ts';
import { type ClassMetadata, inDeviceEvent, type RegionTemplate, type RegistersBehind } from '../../device/index.ts';
import { MemoryRegion } from '../../memory/index.ts';
import {
  Bus,
  type BusContainers,
  type BusContext,
  type BusRegisters,
  type Detach,
  type MappedByBus,
  type Placed,
} from '../bus.ts';
import { busMasterSpace } from '../dma-port.ts';
import {
  emptySlot,
  Functions,
  formatPciAddress,
  type PciAddress,
  type PciPinWiring,
  parsePciAddress,
  pcPinWiring,
  Slots,
} from './address.ts';
import { configRegisters, PciConfigSize } from './config-registers.ts';
import {
  configurationOf,
  describeFunction,
  hiddenFunctions,
  mappedBars,
  type PciFunction,
  placeBars,
} from './function.ts';
import { PciRegister } from './header.ts';
import { pciIdentity } from './identity.ts';
import { PciInterruptLines, type PciRouter } from './interrupt-lines.ts';

/** The wire from a function's interrupt pin. */
interface InterruptWire {
  readonly pirq: number | undefined;
  up: boolean;
  readonly cut: () => void;
}

/**
 * A PCI bus: 32 slots of 8 functions, their configuration space, and four interrupt lines. An address without a function
 * reads all ones and drops writes, which is how guests probe the bus.
 */
export class PciBus extends Bus<PciFunction, PciAddress> implements BusContainers {
  static readonly kind: string = 'pci';
  static readonly serviceName: string = 'PciBus';
  override readonly addressGrammar = 'slot and function, 00.0 to 1f.7';
  readonly io: MemoryRegion;
  readonly memory: MemoryRegion;
  /** What bus masters reach: memory as the processor sees it, or what an IOMMU leaves of it. Without it they reach nothing. */
  readonly busMasterMemory: MemoryRegion | undefined;
  /** Makes the way of a function into it. @internal */
  protected masterSpace = busMasterSpace;
  private readonly functions: (PciFunction | undefined)[] = new Array(Slots * Functions);
  /** Its interrupt lines. @internal */
  readonly lines = new PciInterruptLines();
  private readonly wires = new Map<PciFunction, InterruptWire>();
  /** Set by the first reset; functions that are plugged later are hot-plugged. */
  private poweredOn = false;
  private readonly latecomers = new Set<PciFunction>();

  constructor(
    { io, memory, busMasterMemory }: BusContainers & { readonly busMasterMemory?: MemoryRegion },
    private readonly wiring: PciPinWiring = pcPinWiring,
    /** The bus number that the guest uses; 0 is the root. */
    readonly number = 0,
  ) {
    super();
    this.io = io;
    this.memory = memory;
    this.busMasterMemory = busMasterMemory;
  }

  /** Its devices' memory is in front of the bench's RAM, and behind the regions of the device itself. */
  static forBench({ topology, io, memory }: BusContext): PciBus {
    const own = MemoryRegion.container(topology, 'pci', memory.size);
    memory.addSubregion(0, own, -1);
    return new PciBus({ io, memory: own, busMasterMemory: memory });
  }

  override get typeName(): string {
    return 'PCI';
  }

  override get nameInMachine(): string {
    return `pci.${this.number}`;
  }

  override get otherNames(): readonly string[] {
    return this.number === 0 ? ['pcie.0'] : [];
  }

  override get containers(): BusContainers {
    return this;
  }

  override parse(text: string): PciAddress | undefined {
    return parsePciAddress(text);
  }

  override format(address: PciAddress): string {
    return formatPciAddress(address);
  }

  /** The first slot without a function. */
  override assign(_device: ClassMetadata, taken: readonly PciAddress[]): PciAddress | undefined {
    const slot = emptySlot(taken);
    return slot === undefined ? undefined : { slot, function: 0 };
  }

  override check(devices: readonly Placed<PciAddress>[]): readonly Problem[] {
    return hiddenFunctions(devices);
  }

  attach(device: PciFunction, at: PciAddress): Detach {
    this.register(device, at);
    return () => this.unregister(device);
  }

  override resetDevice(device: PciFunction): void {
    device.resetOnBus();
  }

  override describe(device: PciFunction, at: PciAddress): readonly string[] {
    return describeFunction(device, at);
  }

  override mapped(device: PciFunction): readonly MappedByBus[] {
    return mappedBars(device);
  }

  override registersOf(device: PciFunction): BusRegisters | undefined {
    const address = this.addressOf(device);
    if (address === undefined) return undefined;
    const target = 0x8000_0000 | (this.number << 16) | (address.slot << 11) | (address.function << 8);
    return configurationOf(target >>> 0, this);
  }

  override addressOnBench(): PciAddress {
    return { slot: 1, function: 0 };
  }

  override arrange(device: PciFunction, allocate: Parameters<Bus['arrange']>[1]): ReadonlyMap<RegionTemplate, number> {
    return placeBars(device, allocate);
  }

  override get ownMembers(): readonly string[] {
    return ['config', 'bars', 'msi', 'msix', 'busMaster'];
  }

  override get keptAtReset(): readonly string[] {
    return ['config.bytes'];
  }

  override usesPin(device: PciFunction, name: string): boolean {
    const isIntx = name === 'interrupt' || name === 'interruptOut';
    return !isIntx || device.metadata.attribute(pciIdentity)?.interruptPin !== undefined;
  }

  override observeInterrupts({ msi }: PciFunction, report: ((name: string) => void) | undefined): void {
    msi.observer = report && (() => report('msi'));
  }

  /** Every plugged function, by slot and function. */
  get devices(): readonly PciFunction[] {
    return this.functions.filter((device) => device !== undefined);
  }

  deviceAt({ slot, function: number }: PciAddress): PciFunction | undefined {
    return this.functions[slot * Functions + number];
  }

  addressOf(device: PciFunction): PciAddress | undefined {
    const index = this.functions.indexOf(device);
    return index < 0 ? undefined : { slot: index >> 3, function: index & 7 };
  }

  /** The lowest slot with no function in it. */
  freeSlot(): number {
    const slot = emptySlot(this.devices.flatMap((device) => this.addressOf(device) ?? []));
    if (slot !== undefined) return slot;
    throw new BackplaneError(
      'pci-bus-full',
      `PCI bus ${this.number} is full: all ${Slots} slots have a device. Give it an addr with a function, such as 01.1.`,
    );
  }

  register(device: PciFunction, address: PciAddress): void {
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

  /** No interrupt line moves meanwhile. */
  override replace(old: PciFunction, device: PciFunction): Detach {
    const address = this.addressOf(old);
    if (address !== undefined) {
      const wire = this.wires.get(old);
      this.plugIn(device, address, this.latecomers.delete(old));
      wire?.cut();
      this.wires.delete(old);
      old.disconnectFromBus();
    }
    return () => this.unregister(device);
  }

  private plugIn(device: PciFunction, address: PciAddress, isLate: boolean): void {
    const pin = device.config.get(PciRegister.InterruptPin, 1);
    this.functions[address.slot * Functions + address.function] = device;
    if (isLate) this.latecomers.add(device);
    const pirq = pin === 0 ? undefined : this.wiring(address.slot, pin - 1);
    const wire = { pirq, up: false, cut: () => {} };
    wire.cut = device.interruptOut.connect((level) => {
      if (pirq === undefined || level === wire.up) return;
      wire.up = level;
      this.lines.assert(pirq, level);
    });
    this.wires.set(device, wire);
    const requester = (this.number << 8) | (address.slot << 3) | address.function;
    const { busMasterMemory: memory } = this;
    device.connectToBus(this, memory && device.realized ? this.masterSpace(device.id, memory, requester) : undefined);
  }

  /** Takes the device off the bus, its interrupt with it. */
  unregister(device: PciFunction): void {
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
    const up: number[] = [];
    for (const [device, wire] of this.wires) {
      wire.up = wire.pirq !== undefined && device.interruptOut.level;
      if (wire.up && wire.pirq !== undefined) up.push(wire.pirq);
    }
    this.lines.restore(up);
  }

  /** Connects the bridge that routes the interrupt lines; a second one waits until the first disconnects. Answers how to disconnect. */
  connectRouter(router: PciRouter): () => void {
    return this.lines.connectRouter(router);
  }

  /** The registers that an access of this address reaches: one as in `readConfig`. */
  registersAt(address: number): RegistersBehind | undefined {
    const device = this.select(address);
    return device && { device, bank: configRegisters, offset: address & 0xff };
  }

  /** `address` as in configuration mechanism #1: bus in bits 23-16, slot and function in 15-8, register in 7-0. */
  readConfig(address: number, size: number): number {
    const device = this.select(address);
    if (device === undefined) return 0xffff_ffff >>> (32 - 8 * size);
    return inDeviceEvent(device, device.readConfig, address & 0xff, size);
  }

  /** The length is cut at the end of the 256 bytes. */
  writeConfig(address: number, value: number, size: number): void {
    const register = address & 0xff;
    const device = this.select(address);
    const length = Math.min(size, PciConfigSize - register);
    if (device !== undefined) inDeviceEvent(device, device.writeConfig, register, value, length);
  }

  /** After every device's own reset: interrupts down, headers cleared. */
  override reset(): void {
    this.poweredOn = true;
    for (const device of this.devices) this.resetDevice(device);
  }

  /**
   * Guests look for the other functions of a slot only where function 0 is. A hot-plugged one is invisible until function 0 is
   * plugged, so that a card of several functions appears as a whole.
   * @see QEMU 7.2, hw/pci/pci_host.c: pci_host_config_read_common
   */
  private select(address: number): PciFunction | undefined {
    if (((address >>> 16) & 0xff) !== this.number) return undefined;
    const device = this.functions[(address >>> 8) & 0xff];
    const isAlone = this.functions[(address >>> 8) & 0xf8] === undefined;
    return isAlone && device !== undefined && this.latecomers.has(device) ? undefined : device;
  }
}
