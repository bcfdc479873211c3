import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import {
  type BankAccess,
  bankOf,
  buildRam,
  Device,
  type DeviceClass,
  InterruptPin,
  inDeviceEvent,
  type RealizeContext,
  type RegionTemplate,
  type RegisterBank,
  type RegisterDeclaration,
  recorderOf,
  romRegion,
} from '../../device/index.ts';
import type { MemoryRegion } from '../../memory/index.ts';
import { state, subsection } from '../../state/schema.ts';
import type { BusContainers } from '../bus.ts';
import type { BusMasterSpace, DmaPort } from '../dma-port.ts';
import { pciBars, pciExpansionRom, regionsInBar } from './bar-declaration.ts';
import { PciBars } from './bars.ts';
import { PciBus } from './bus.ts';
import { BusMaster } from './bus-master.ts';
import { PciCapabilities, PciCapabilityId, pciCapabilities } from './capabilities.ts';
import { configRegisters, PciConfigSize } from './config-registers.ts';
import { ConfigAccess, PciConfigSpace, UndeclaredBytes } from './config-space.ts';
import { HeaderEnd, headerRegisters, PciCommand, PciRegister, PciStatus } from './header.ts';
import { checkIdentity, type PciClass, type PciIdentity, pciIdentity } from './identity.ts';
import { MessageSignalledInterrupts } from './msi.ts';
import { MsiX } from './msix.ts';
import { pciMsix } from './msix-declaration.ts';

/** A region inside a BAR is in front of the BAR's own. */
const InBarPriority = 1;

/** Who the function says it is in its configuration space. Only for classes that extend PciDevice. */
export function pci(identity: PciIdentity) {
  return (deviceClass: PciClass): void => {
    const fail = (code: string, why: string) => new BackplaneError(code, `Class ${deviceClass.name}: @pci ${why}`);
    checkIdentity(identity, fail);
    // The compiler refuses it too, and files may come here that no compiler has seen.
    if (!((deviceClass as DeviceClass).prototype instanceof PciDevice)) {
      throw fail('wrong-bus', 'is for functions of the PCI bus. Let the class extend PciDevice.');
    }
    recorderOf(deviceClass).set(pciIdentity, Object.freeze({ ...identity }));
  };
}

/**
 * One PCI function: configuration space, base address registers, a way into memory, and an interrupt, by pin or by message.
 * The bus reads and writes the configuration on the guest's behalf and tells the device what was written.
 */
export abstract class PciDevice extends Device {
  static readonly plugsInto = PciBus;
  /** INTx. The level that the device wants; the command register and MSI decide whether it gets out. */
  readonly interrupt = new InterruptPin();
  @state readonly config: PciConfigSpace;
  readonly bars: PciBars;
  /** MSI, if the class has `@msi`; otherwise it is never enabled. */
  readonly msi: MessageSignalledInterrupts;
  /** MSI-X, if the class has `@msix`; otherwise it is never enabled. */
  @state({ subsection: subsection<PciDevice>('msix', ({ msix }) => msix.vectors > 0), name: 'vectors' })
  readonly msix: MsiX;
  readonly #busMaster = new BusMaster();
  /** DMA: transfers succeed only while the guest lets the function be a bus master, and never throw. */
  readonly busMaster: DmaPort = this.#busMaster;
  /** INTx as the bus sees it. */
  readonly interruptOut = new InterruptPin(() => this.#drivesPin, 'owner');
  readonly #capabilities: PciCapabilities;
  /** The registers of its configuration space that its class declares. */
  readonly #declared: readonly RegisterDeclaration[];

  constructor() {
    super();
    const { metadata } = this;
    const identity = metadata.attribute(pciIdentity);
    if (identity === undefined) {
      throw new BackplaneError(
        'missing-pci-identity',
        `Class ${this.constructor.name} extends PciDevice but has no identity. Add @pci({ vendorId, ... }).`,
      );
    }
    this.config = new PciConfigSpace(identity);
    const declared = metadata.registers.filter(({ bank }) => bank === configRegisters);
    checkPlaces(declared, this.constructor.name);
    if (declared.length > 0) this.config.carry(bankOf(this, configRegisters, new UndeclaredBytes(this.config)));
    this.#declared = declared;
    this.#capabilities = new PciCapabilities(this.config, metadata.attribute(pciCapabilities) ?? []);
    this.msi = new MessageSignalledInterrupts(this.config, this.capabilityOffset(PciCapabilityId.Msi), this.#busMaster);
    const msixAt = this.capabilityOffset(PciCapabilityId.MsiX);
    this.msix = new MsiX(this.config, msixAt, metadata.attribute(pciMsix), this.msi);
    this.bars = new PciBars(this.config);
    for (const declaration of metadata.attribute(pciBars) ?? []) this.bars.declare(declaration);
    this.interrupt.connect(() => this.#updateInterrupt());
    rememberReserved(this, PciDevice);
  }

  /** Where the function has a capability in its configuration space; undefined if it has not. */
  capabilityOffset(id: number): number | undefined {
    return this.#capabilities.offsetOf(id);
  }

  /** In its configuration space header and capabilities have registers too. @internal */
  override registersIn(bank: RegisterBank): readonly RegisterDeclaration[] {
    if (bank !== configRegisters) return super.registersIn(bank);
    return [...this.#declared, ...headerRegisters, ...this.#capabilities.registers];
  }

  /** @internal */
  override realize(context: RealizeContext, regions: () => ReadonlyMap<RegionTemplate, MemoryRegion>): void {
    super.realize(context, regions);
    const { attribute } = this.metadata;
    this.bars.fill((index) => this.#barRegion(index));
    for (const { bar, offset, region } of regionsInBar(this.metadata)) {
      this.#barRegion(bar).addSubregion(offset, this.region(region), InBarPriority);
    }
    const rom = attribute(pciExpansionRom);
    if (rom !== undefined) this.bars.addRom(buildRam(romRegion(rom), this.topology, this));
  }

  /** Of a BAR that the class declares. */
  #barRegion(index: number): MemoryRegion {
    const declared = this.metadata.attribute(pciBars)?.find((one) => one.index === index);
    return this.region(declared?.region as RegionTemplate);
  }

  /** @internal */
  override unrealize(): void {
    super.unrealize();
    this.bars.release();
  }

  /** The bus has plugged the function in: BARs and DMA lead somewhere from now on. @internal */
  connectToBus(bus: BusContainers, master: BusMasterSpace | undefined): void {
    this.bars.connect(bus);
    if (master !== undefined) this.#busMaster.connect(master);
    this.applyConfiguration();
  }

  /** Off the bus again: nothing of it is mapped, and its transfers reach nothing. @internal */
  disconnectFromBus(): void {
    this.bars.disconnect();
    this.#busMaster.disconnect();
  }

  /** The guest reads its configuration. */
  readConfig(offset: number, size: number): number {
    return this.config.read(offset, size);
  }

  /** The guest writes its configuration: an event of the device. All that follows is one change of the memory map. */
  writeConfig(offset: number, value: number, size: number): void {
    inDeviceEvent(this, this.#writeConfig, offset, value, size);
  }

  #writeConfig(offset: number, value: number, size: number): void {
    const changesMap = this.realized && this.config.hasRegister(offset, size);
    if (changesMap) this.topology.begin();
    try {
      this.config.write(offset, value, size);
      this.applyConfiguration(offset, size);
      this.msi.update();
      this.msix.update();
    } finally {
      if (changesMap) this.topology.commit();
    }
  }

  /** Its registers in a bank; those of its configuration space as its bus reaches them. */
  override registerAccess(bank: RegisterBank): BankAccess | undefined {
    return bank === configRegisters ? new ConfigAccess(this) : undefined;
  }

  /** What the bus does on its reset, after the device's own reset: interrupt down, header and capabilities as at power-on. */
  resetOnBus(): void {
    if (!this.interrupt.isDerived) this.interrupt.set(false);
    this.config.resetHeader();
    this.bars.reset();
    this.#capabilities.reset();
    this.msix.reset();
    this.applyConfiguration();
  }

  /** Maps BARs, opens DMA and drives the pin as the configuration says: after it was written, or restored. */
  applyConfiguration(offset = 0, size = PciConfigSize): void {
    this.#updateInterrupt();
    const isMaster = (this.config.get(PciRegister.Command, 1) & PciCommand.Master) !== 0;
    const opens = this.#busMaster.space !== undefined && isMaster !== this.#busMaster.enabled;
    if (!opens) {
      if (this.bars.concerns(offset, size)) this.bars.update();
      return;
    }
    this.topology.transaction(() => {
      this.#busMaster.setEnabled(isMaster);
      this.bars.update();
    });
  }

  /** The configuration came from a snapshot, where nothing has seen it being written. */
  override onStateLoaded(version: number): void {
    this.msix.checkLoaded();
    for (const register of this.#declared) this.#loadRegister(register, version);
    this.applyConfiguration();
  }

  /** Sets bits of the command register, as firmware would: `PciCommand.Master`. */
  protected setCommand(bits: number): void {
    this.writeConfig(PciRegister.Command, this.config.get(PciRegister.Command, 2) | bits, 2);
  }

  /**
   * Sends one of the function's messages, by MSI-X or MSI, if the guest has asked for messages instead of the pin. Else nothing
   * happens, and it answers false.
   */
  protected sendMessage(vector = 0): boolean {
    return this.msix.send(vector) || this.msi.send(vector);
  }

  /** @internal */
  readMsixTable(offset: number): number {
    return this.msix.readTable(offset);
  }

  /** @internal */
  writeMsixTable(value: number, offset: number): void {
    this.msix.writeTable(value, offset);
  }

  /** @internal */
  readMsixPending(offset: number): number {
    return this.msix.readPending(offset);
  }

  /** A register that came with a later version of the class has its bytes among the undeclared ones of an older snapshot. */
  #loadRegister(register: RegisterDeclaration, version: number): void {
    const { member, count, width, since } = register;
    const fields = this as unknown as Record<string, number | bigint | Record<number, number | bigint>>;
    for (let index = 0; index < (count ?? 1); index++) {
      const found = this.config.take(register, index);
      if (since <= version) continue;
      const value = width === 64 ? found : Number(found);
      if (count === undefined) fields[member] = value;
      else (fields[member] as Record<number, number | bigint>)[index] = value;
    }
  }

  /** The status register shows the pin even while the command register holds it back; messages take its place. */
  #updateInterrupt(): void {
    const status = this.config.get(PciRegister.Status, 2) & ~PciStatus.Interrupt;
    this.config.set(PciRegister.Status, status | (this.#wantsPin ? PciStatus.Interrupt : 0), 2);
    this.interruptOut.evaluate();
  }

  get #wantsPin(): boolean {
    return this.interrupt.level && !this.msi.enabled && !this.msix.enabled;
  }

  get #drivesPin(): boolean {
    return this.#wantsPin && (this.config.get(PciRegister.Command, 2) & PciCommand.InterruptDisable) === 0;
  }
}

/** The bus answers for the header. */
function checkPlaces(declared: readonly RegisterDeclaration[], className: string): void {
  const misplaced = declared.find(({ offset }) => offset < HeaderEnd);
  if (misplaced === undefined) return;
  throw new BackplaneError(
    'register-in-pci-header',
    `Class ${className}: register '${misplaced.name}' is at ${hex(misplaced.offset)}, in the header of its configuration space. ` +
      'Say it with @pci, @bar or @expansionRom, or give it an offset from 0x40 on.',
  );
}

reserveMembers(PciDevice, {
  config: 'its configuration space',
  bars: 'its base address registers',
  msi: 'its message-signalled interrupts',
  msix: 'its message-signalled interrupts by MSI-X',
  readMsixTable: 'its MSI-X table',
  writeMsixTable: 'its MSI-X table',
  readMsixPending: 'its MSI-X pending bits',
  busMaster: 'its way into memory',
  interrupt: 'its INTx pin',
  interruptOut: 'INTx as the bus sees it',
  capabilityOffset: 'where a capability is',
  connectToBus: 'what its bus calls',
  disconnectFromBus: 'what its bus calls',
  resetOnBus: 'what its bus calls',
  applyConfiguration: 'what follows from its configuration',
  sendMessage: 'the sending of a message',
  setCommand: 'the bits of its command register',
});
